// Following a partition of the log: the event stream of the node that serves it, resumed by itself
// where a connection ends, and asked for anew at the given address: so it follows a partition that
// moves.
//
// Invariants: T1 heights come without gap or repeat, from `from` on: a node that leaves one out is
// not believed.
// T2 it ends by the signal (quietly), by an error that the node names, or after `resumeMsMax`
// without a connection.

import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { serverEvents, type ServerEvent } from './event-stream.ts'
import { errorFrom, errorOf, parsed, type Transport } from './transport.ts'
import type { EntryView } from './views.ts'

export type TailOptions = {
  /** First height; default 0. */
  readonly from?: number
  readonly signal?: AbortSignal
  /**
   * Give up (`node-unreachable`, or what the node said) when no connection lasted for so long.
   * Default 60,000.
   */
  readonly resumeMsMax?: number
}

const PAUSE_MS = 200
const PAUSE_MS_MAX = 5_000
const EVENT_CHARS_MAX = 8 * 1024 * 1024

export async function* tailPartition(
  transport: Transport,
  clock: Clock,
  partition: number,
  options: TailOptions = {},
): AsyncGenerator<EntryView, void, undefined> {
  const { from = 0, signal, resumeMsMax = 60_000 } = options
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  if (signal?.aborted === true) abort()
  signal?.addEventListener('abort', abort, { once: true })
  let next = from
  let pauseMs = PAUSE_MS
  let lostAt: number | undefined = clock.now()
  try {
    while (!stop.signal.aborted) {
      try {
        const place = { from, next }
        const opened = (): void => void (lostAt = undefined)
        for await (const entry of connection(transport, partition, place, stop.signal, opened)) {
          if (entry.height < next) continue
          if (entry.height > next)
            throw new HbError('response-malformed', `height ${entry.height} after ${next - 1}`)
          next += 1
          pauseMs = PAUSE_MS
          yield entry
        }
        lostAt ??= clock.now()
      } catch (error) {
        if (stop.signal.aborted) return
        lostAt ??= clock.now()
        const lasting =
          !isHbError(error) || (error.kind !== 'transient' && error.kind !== 'capacity')
        if (lasting || clock.now() - lostAt > resumeMsMax) throw error
      }
      await clock.sleep(pauseMs, stop.signal)
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    stop.abort()
  }
}

async function* connection(
  transport: Transport,
  partition: number,
  place: { readonly from: number; readonly next: number },
  signal: AbortSignal,
  opened: () => void,
): AsyncGenerator<EntryView> {
  const headers = place.next > place.from ? { 'last-event-id': String(place.next - 1) } : {}
  const response = await transport.open(
    { path: '/log/stream', query: { partition, from: place.from }, headers },
    signal,
  )
  if (!response.ok || response.body === null) {
    throw errorOf({
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    })
  }
  opened()
  for await (const event of brokenIsTransient(
    serverEvents(response.body, EVENT_CHARS_MAX),
    transport.base,
  )) {
    if (event.event === 'error') throw errorFrom(parsed(event.data))
    if (event.event === 'entry') yield entryOf(event)
  }
}

async function* brokenIsTransient(
  events: AsyncIterable<ServerEvent>,
  base: string,
): AsyncGenerator<ServerEvent> {
  try {
    yield* events
  } catch (cause) {
    if (isHbError(cause)) throw cause
    throw new HbError('node-unreachable', `${base}: the stream broke off`, { cause })
  }
}

function entryOf(event: ServerEvent): EntryView {
  const entry = parsed(event.data) as EntryView
  if (!Number.isSafeInteger(entry.height) || String(entry.height) !== event.id) {
    throw new HbError('response-malformed', `an event's id ${event.id ?? 'missing'}`)
  }
  return entry
}
