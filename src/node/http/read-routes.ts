// Everything that is asked of a node: messages, processes, their state, results and outbox, health,
// the network.
//
// A page is {<rows>: […], next?}: with `next` there is (or may be) more from there; slots are
// inclusive (`from`), ids exclusive (`after`).

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { NodeApi, ResultView } from '../api.ts'
import { HbError } from '../../std/errors.ts'
import type { HttpLimits } from './limits.ts'
import { idOf, stageOf, wholeOf, type Query } from './query.ts'
import { reached } from './waits.ts'
import { atServingNode, isForwarded, partitionOfProcess, processId } from './where.ts'
import { timeoutOf, type Parts } from './write-routes.ts'

export function addReadRoutes(app: FastifyInstance, parts: Parts): void {
  const { api, limits } = parts
  app.get('/healthz', () => api.health())
  app.get('/readyz', async (_request, reply) => {
    const health = await api.readiness()
    if (!health.ready) reply.header('retry-after', String(limits.retryAfterS))
    return reply.code(health.ready ? 200 : 503).send(health)
  })
  app.get('/network', () => networkBody(api, limits))
  app.get('/messages/:id', (request, reply) => getMessage(parts, request, reply))
  app.get('/processes', (request) => getProcesses(parts, request))
  const preHandler = atServingNode(api, partitionOfProcess(api))
  app.get('/processes/:id', { preHandler }, async (request) => {
    const id = processId(request)
    return (await api.process(id)) ?? notFound(id)
  })
  app.get('/processes/:id/state', { preHandler }, (request, reply) =>
    getState(api, processId(request), reply),
  )
  app.get('/processes/:id/results', { preHandler }, async (request) => {
    const { results, next } = await resultPage(parts, request)
    return { results, ...next }
  })
  app.get('/processes/:id/outbox', { preHandler }, async (request) => {
    const { results, next } = await resultPage(parts, request)
    return { messages: results.flatMap(outboxOf), ...next }
  })
}

async function getMessage(
  parts: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { api, limits, waits } = parts
  const query = request.query as Query
  const id = idOf((request.params as { id: string }).id, 'message id')
  const stage = stageOf(query)
  const timeoutMs = timeoutOf(query, limits)
  const scope = isForwarded(request) ? 'node' : 'network'
  if (stage === undefined) {
    const status = await api.message(id, scope)
    if (status === undefined) throw new HbError('message-unknown', id)
    return reply.send(status)
  }
  const status = await api.message(id, 'node')
  if (status !== undefined && reached(status, stage)) {
    // another node may have the receipt of what was evaluated here
    const lacking = status.stage === 'evaluated' && status.receipt === undefined
    return reply.send(lacking ? ((await api.message(id, scope)) ?? status) : status)
  }
  // a message of a process is known only once it is evaluated: who waits for one may ask before
  waits.enter()
  const later = await waits.wait(id, stage, timeoutMs, scope)
  if (later.stage === 'pending' && (await api.message(id, scope)) === undefined) {
    throw new HbError('message-unknown', id)
  }
  return reply.code(reached(later, stage) ? 200 : 202).send(later)
}

async function getProcesses({ api, limits }: Parts, request: FastifyRequest): Promise<unknown> {
  const query = request.query as Query
  const limit = pageOf(query, limits)
  const after = query['after'] === undefined ? undefined : idOf(query['after'], 'after')
  const page = { limit, ...(after === undefined ? {} : { after }) }
  if (isForwarded(request)) return api.part(page)
  const processes = await api.processes(page)
  const last = processes.at(-1)
  return {
    processes,
    ...(processes.length < limit || last === undefined ? {} : { next: last.process }),
  }
}

/** The state's text as it was hashed, byte for byte; its slot and state hash are in the headers. */
async function getState(api: NodeApi, id: string, reply: FastifyReply): Promise<FastifyReply> {
  const state = await api.state(id)
  if (state === undefined) {
    if ((await api.process(id)) === undefined) return notFound(id)
    throw new HbError('process-failed', id)
  }
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('hb-slot', String(state.slot))
    .header('hb-state-hash', state.stateHash)
    .send(state.text)
}

type ResultPage = { results: ResultView[]; next: { next?: number } }

async function resultPage({ api, limits }: Parts, request: FastifyRequest): Promise<ResultPage> {
  const id = processId(request)
  const query = request.query as Query
  const limit = pageOf(query, limits)
  const from = wholeOf(query, 'from', { fallback: 0, least: 0, most: Number.MAX_SAFE_INTEGER })
  const results = await api.results(id, from, limit)
  const last = results.at(-1)
  if (last === undefined && (await api.process(id)) === undefined) return notFound(id)
  return {
    results,
    next: results.length < limit || last === undefined ? {} : { next: last.slot + 1 },
  }
}

function outboxOf({ slot, partition, height, messages }: ResultView): object[] {
  return messages.map((message, index) => ({ slot, partition, height, index, ...message }))
}

function networkBody({ network }: NodeApi, http: HttpLimits): object {
  const { name, generation, partitions, intervalLength, sandbox, limits } = network.genesis
  return {
    network: network.id,
    name,
    generation,
    partitions,
    intervalLength,
    sandbox,
    limits,
    http,
    processes: Object.fromEntries(network.processIds),
  }
}

function pageOf(query: Query, limits: HttpLimits): number {
  return wholeOf(query, 'limit', {
    fallback: Math.min(limits.pageDefault, limits.pageMax),
    least: 1,
    most: limits.pageMax,
  })
}

function notFound(id: string): never {
  throw new HbError('process-not-found', id)
}
