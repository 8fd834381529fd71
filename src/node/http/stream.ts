// GET /log/stream: accepted entries of a partition as server-sent events, for as long as its DRE is
// here; GET /log/head: how far it got.
//
//   retry: 1000                      how long a browser waits before it comes again
//   id: <height>                     resume with Last-Event-ID: <height>, or ?from=<height + 1>
//   event: entry
//   data: <EntryView as JSON>
//   event: error                     the last event there is: {code, message, advice, detail}
//   : keep-alive                     a comment when there is nothing to say
//
// Invariants: S1 entries are pulled only as fast as the reader takes them: at most one socket
// buffer is held for it.
// S2 a reader that takes nothing for streamStallMsMax is cut off. S3 closing ends every stream.

import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EntryView, NodeApi } from '../api.ts'
import { HbError } from '../../std/errors.ts'
import { asHbError, errorBody } from './failure.ts'
import { Room, type HttpLimits } from './limits.ts'
import { wholeOf, type Query } from './query.ts'
import { atServingNode } from './where.ts'

const RETRY_MS = 1_000
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

export class Streams {
  readonly #api: NodeApi
  readonly #limits: HttpLimits
  readonly #room: Room
  readonly #open = new Set<AbortController>()
  readonly #onError: (error: unknown) => void
  #closed = false

  constructor(api: NodeApi, limits: HttpLimits, onError: (error: unknown) => void) {
    this.#api = api
    this.#limits = limits
    this.#room = new Room('streamsMax', limits.streamsMax)
    this.#onError = onError
  }

  addRoute(app: FastifyInstance): void {
    const { partitions } = this.#api.network.genesis
    const partitionFor = (request: FastifyRequest): number => placeOf(request, partitions).partition
    const preHandler = atServingNode(this.#api, partitionFor)
    app.get('/log/stream', { preHandler }, (request, reply) => this.#start(request, reply))
    app.get('/log/head', { preHandler }, (request) => {
      const partition = partitionFor(request)
      return { partition, height: this.#api.health().partitions[partition]?.evaluated ?? -1 }
    })
  }

  get count(): number {
    return this.#room.inside
  }

  close(): void {
    this.#closed = true
    for (const one of this.#open) one.abort()
  }

  #start(request: FastifyRequest, reply: FastifyReply): void {
    const { partition, from } = placeOf(request, this.#api.network.genesis.partitions)
    if (this.#closed) throw new HbError('node-stopping')
    this.#room.enter()
    const stop = new AbortController()
    this.#open.add(stop)
    reply.hijack()
    const { raw } = reply
    raw.once('close', () => stop.abort())
    raw.writeHead(200, HEADERS)
    raw.write(`retry: ${RETRY_MS}\n\n`)
    this.#pump(raw, this.#api.tail(partition, from, stop.signal), stop.signal)
      .catch(this.#onError)
      .finally(() => {
        stop.abort()
        this.#open.delete(stop)
        this.#room.leave()
      })
  }

  async #pump(
    raw: ServerResponse,
    entries: AsyncIterable<EntryView>,
    signal: AbortSignal,
  ): Promise<void> {
    const keepAlive = setInterval(() => {
      if (!raw.writableNeedDrain) raw.write(': keep-alive\n\n')
    }, this.#limits.streamKeepAliveMs)
    try {
      for await (const entry of entries) {
        if (signal.aborted) break
        if (raw.write(frame(entry))) continue
        if (await drained(raw, this.#limits.streamStallMsMax, signal)) continue
        if (signal.aborted) break
        throw new HbError('stream-stalled', `height ${entry.height}`)
      }
    } catch (caught) {
      const error = asHbError(caught)
      if (error.code === 'stream-stalled') raw.destroy()
      else if (!signal.aborted)
        raw.write(`event: error\ndata: ${JSON.stringify(errorBody(error))}\n\n`)
      if (error.kind === 'bug' || error.kind === 'operator') this.#onError(caught)
    } finally {
      clearInterval(keepAlive)
      raw.end()
    }
  }
}

function placeOf(request: FastifyRequest, partitions: number): { partition: number; from: number } {
  const query = request.query as Query
  const most = Number.MAX_SAFE_INTEGER
  const partition = wholeOf(query, 'partition', { fallback: 0, least: 0, most })
  if (partition >= partitions)
    throw new HbError('partition-unknown', `${partition} of ${partitions}`)
  const last = request.headers['last-event-id']
  // A reader that comes again repeats its address, ?from= included: where it got to counts more.
  if (last !== undefined && last !== '') {
    const name = 'last-event-id'
    return {
      partition,
      from: wholeOf({ [name]: last }, name, { fallback: 0, least: 0, most: most - 1 }) + 1,
    }
  }
  return { partition, from: wholeOf(query, 'from', { fallback: 0, least: 0, most }) }
}

function frame(entry: EntryView): string {
  return `id: ${entry.height}\nevent: entry\ndata: ${JSON.stringify(entry)}\n\n`
}

/** True once the reader took what was written; false at the timeout or the end of the stream. */
function drained(raw: ServerResponse, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (took: boolean): void => {
      clearTimeout(timer)
      raw.off('drain', onDrain)
      signal.removeEventListener('abort', onAbort)
      resolve(took)
    }
    const onDrain = (): void => end(true)
    const onAbort = (): void => end(false)
    const timer = setTimeout(onAbort, timeoutMs)
    if (signal.aborted) return end(false)
    raw.once('drain', onDrain)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
