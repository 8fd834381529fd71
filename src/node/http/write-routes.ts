// POST /messages and /messages/batch: where wallets' messages come in; beside them, what has a body
// and changes nothing (dry-run-route.ts).
//
// Invariants: W1 the only way in is NodeApi.submit, which takes signed data items and nothing else;
// a body is never read as any other record, so a caller that is a process cannot enter here. W2 an
// answer 2xx comes after the item is durable in ingress; an answer 503 means that nothing of the
// request was kept: room for waiting is taken before.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { NodeApi, Submitted } from '../api.ts'
import { HbError } from '../../std/errors.ts'
import { traceOf } from '../../std/trace.ts'
import { batchItems } from './batch.ts'
import { addDryRunRoute } from './dry-run-route.ts'
import { errorBody, sendError } from './failure.ts'
import { Room, type HttpLimits } from './limits.ts'
import { stageOf, wholeOf, type Query } from './query.ts'
import { reached, type Waits } from './waits.ts'

export type Parts = { readonly api: NodeApi; readonly limits: HttpLimits; readonly waits: Waits }

export function addWriteRoutes(app: FastifyInstance, parts: Parts): void {
  const { api, limits } = parts
  const messageBytesMax = api.network.genesis.limits.messageBytesMax
  const bytes = new Room('bodyBytesInFlightMax', limits.bodyBytesInFlightMax)
  const route = (bodyLimit: number) => ({ bodyLimit, onRequest: bytesGuard(bytes, bodyLimit) })

  app.post('/messages', route(messageBytesMax), (request, reply) => postOne(parts, request, reply))
  app.post('/messages/batch', route(limits.batchBytesMax), (request, reply) =>
    postBatch(parts, request, reply),
  )
  // as JSON a message's text may take more bytes than by itself
  addDryRunRoute(app, api, route(2 * messageBytesMax))
}

// Counted by what the sender says that it will send, before the first byte is kept.
function bytesGuard(room: Room, bodyLimit: number) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const declared = Number(request.headers['content-length'] ?? bodyLimit)
    const amount = declared >= 0 && declared <= bodyLimit ? declared : bodyLimit
    try {
      room.enter(amount)
    } catch (error) {
      return done(error as HbError)
    }
    reply.raw.once('close', () => room.leave(amount))
    done()
  }
}

async function postOne(
  parts: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { api, limits, waits } = parts
  const query = request.query as Query
  const body = bodyOf(request)
  const stage = stageOf(query)
  if (stage === undefined) {
    const [submitted] = await api.submit([body], traceOf(request))
    return reply.code(202).send(acceptedOf(submitted))
  }
  const timeoutMs = timeoutOf(query, limits)
  waits.enter()
  let id: string
  try {
    const [submitted] = await api.submit([body], traceOf(request))
    id = acceptedOf(submitted).id
  } catch (error) {
    waits.leave()
    throw error
  }
  const status = await waits.wait(id, stage, timeoutMs)
  return reply.code(reached(status, stage) ? 200 : 202).send(status)
}

/**
 * {results: [{id, process, partition} | {error}]} in order; 202 if at least one item was accepted,
 * else 400.
 */
async function postBatch(
  parts: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const items = batchItems(bodyOf(request), parts.limits.batchItemsMax)
  const submitted = await parts.api.submit(items, traceOf(request))
  const results = submitted.map((one) => ('error' in one ? { error: errorBody(one.error) } : one))
  const refused = submitted.find((one) => 'error' in one)
  if (refused !== undefined && submitted.every((one) => 'error' in one)) {
    return sendError(reply, refused.error, parts.limits.retryAfterS, { results })
  }
  reply.code(202).send({ results })
}

export function timeoutOf(query: Query, limits: HttpLimits): number {
  return wholeOf(query, 'timeout', {
    fallback: limits.waitTimeoutMsDefault,
    least: 0,
    most: limits.waitTimeoutMsMax,
  })
}

function acceptedOf(submitted: Submitted | undefined): Exclude<Submitted, { error: HbError }> {
  if (submitted === undefined) throw new HbError('internal-error', 'no outcome of a submit')
  if ('error' in submitted) throw submitted.error
  return submitted
}

function bodyOf(request: FastifyRequest): Buffer {
  if (Buffer.isBuffer(request.body)) return request.body
  throw new HbError('media-type-unsupported', 'there is no body')
}
