// Requests to a network: at one of its nodes, and where that one sends them; retries, timeouts,
// errors as HbError.
//
// Retrying is always safe: reading changes nothing, and a message that is sent twice is the same
// signed bytes, which the network applies once (R3).
// Invariants: T1 a 503 is retried after what its Retry-After says, capped; a broken connection
// after a growing pause; both at most so often, but what moves to another node is awaited. T2 a
// response is read up to a limit. T3 whatever goes wrong is an HbError. T4 where a node sends a
// request on, it goes whole, body and all; the next one begins at the given address again; none is
// sent on for ever. T5 of several addresses the next is tried when one cannot be reached or has no
// room.

import type { Clock } from '../std/clock.ts'
import type { ErrorCode } from '../std/errors.ts'
import { ERROR_TABLE } from '../std/error-table.ts'
import { HbError, isHbError } from '../std/errors.ts'

export type TransportOptions = {
  /** Of one node, or of several of the same network. */
  readonly url: string | readonly string[]
  readonly clock: Clock
  readonly fetch: typeof fetch
  /** Requests are given up after so long, beside what they ask the node to wait. */
  readonly requestTimeoutMs: number
  /** Further tries after a 503, and after a connection that failed. */
  readonly busyRetriesMax: number
  /**
   * How long it is tried at least where no node serves a partition (`process-unserved`), unless
   * `busyRetriesMax` is 0: while it moves, that passes.
   */
  readonly unservedMsMax: number
  readonly brokenRetriesMax: number
  /** No pause is longer, whatever Retry-After says. */
  readonly retryDelayMsMax: number
  readonly responseBytesMax: number
}

export type RequestSpec = {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** What the node was asked to wait: added to the timeout. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
  /** Statuses other than 2xx whose body is an answer all the same. */
  readonly accept?: (status: number, body: unknown) => boolean
}

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

const FIRST_DELAY_MS = 100
/** A node sends to the one that serves; while partitions move, that one may send on once more. */
const REDIRECTS_MAX = 3
const GROWN_DELAY_MS_MAX = 3_200
/** With it a node answers by itself or not at all. */
const LAST_REDIRECT = { 'hb-forwarded': '1' }

export class Transport {
  readonly #options: TransportOptions
  readonly #bases: readonly string[]
  #at = 0

  constructor(options: TransportOptions) {
    this.#options = options
    const { url } = options
    this.#bases = (typeof url === 'string' ? [url] : url).map(baseOf)
    if (this.#bases.length === 0) throw new HbError('query-invalid', 'no address of a node')
  }

  /** The address that requests go to now. */
  get base(): string {
    return this.#bases[this.#at % this.#bases.length] as string
  }

  async json<T>(spec: RequestSpec): Promise<T> {
    const answer = await this.text(spec)
    return parsed(answer.text) as T
  }

  /** The answer's text; throws the node's own error where it answered with one. */
  async text(spec: RequestSpec): Promise<Answer> {
    const { clock, brokenRetriesMax, retryDelayMsMax } = this.#options
    const began = clock.now()
    for (let busy = 0, broken = 0; ;) {
      let pauseMs: number
      try {
        const answer = await this.#once(spec)
        if (answer.status < 300) return answer
        const body = answer.status === 503 ? undefined : tolerant(answer.text)
        if (spec.accept?.(answer.status, body) === true) return answer
        const error = errorOf(answer)
        if (answer.status !== 503 || !this.#retries(error, busy++, began)) throw error
        pauseMs = retryAfterMs(answer.headers) ?? grown(busy)
        this.#at++
      } catch (error) {
        if (isHbError(error, 'process-unserved') && this.#retries(error, busy, began)) {
          busy += 1
          pauseMs = grown(busy)
        } else {
          const most = Math.max(brokenRetriesMax, this.#bases.length - 1)
          if (!isHbError(error, 'node-unreachable') || broken++ >= most) throw error
          pauseMs = broken < this.#bases.length ? 0 : FIRST_DELAY_MS * 2 ** broken
        }
      }
      await clock.sleep(Math.min(pauseMs, retryDelayMsMax), spec.signal)
      spec.signal?.throwIfAborted()
    }
  }

  #retries(error: HbError, busy: number, began: number): boolean {
    const { clock, busyRetriesMax, unservedMsMax } = this.#options
    if (busy < busyRetriesMax) return true
    if (busyRetriesMax === 0 || error.code !== 'process-unserved') return false
    return clock.now() - began < unservedMsMax
  }

  /**
   * The response as soon as its headers are there, its body unread. One try, at one node and where
   * it sends to. Errors: `node-unreachable`; `process-unserved` where that other one is not there.
   */
  async open(spec: RequestSpec, signal: AbortSignal): Promise<Response> {
    const { base } = this
    let address = addressOf(base, spec)
    for (let sent = 0; ; sent++) {
      const headers = { ...spec.headers, ...(sent === REDIRECTS_MAX && LAST_REDIRECT) }
      let response: Response
      try {
        response = await this.#options.fetch(address, {
          method: spec.method ?? 'GET',
          redirect: 'manual',
          signal,
          headers,
          ...(spec.body === undefined ? {} : { body: spec.body as Uint8Array<ArrayBuffer> }),
        })
      } catch (cause) {
        if (signal.aborted) throw cause
        if (sent > 0) {
          throw new HbError('process-unserved', `${new URL(address).origin}${causeOf(cause)}`, {
            cause,
          })
        }
        this.#at++
        throw new HbError('node-unreachable', `${base}${causeOf(cause)}`, { cause })
      }
      const next = response.headers.get('location')
      if (response.status !== 307 || next === null || sent === REDIRECTS_MAX) return response
      await response.body?.cancel()
      address = redirectTo(address, next)
    }
  }

  async #once(spec: RequestSpec): Promise<Answer> {
    const { clock, requestTimeoutMs } = this.#options
    const stop = new AbortController()
    const done = new AbortController()
    const abort = (): void => stop.abort()
    if (spec.signal?.aborted === true) abort()
    spec.signal?.addEventListener('abort', abort, { once: true })
    const timeoutMs = requestTimeoutMs + (spec.waitMs ?? 0)
    const timer = clock.sleep(timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) stop.abort()
    })
    try {
      const response = await this.open(spec, stop.signal)
      const text = await this.#read(response)
      return { status: response.status, headers: response.headers, text }
    } catch (error) {
      spec.signal?.throwIfAborted()
      if (stop.signal.aborted)
        throw new HbError('node-too-slow', `${spec.path} after ${timeoutMs} ms`)
      throw error
    } finally {
      spec.signal?.removeEventListener('abort', abort)
      done.abort()
      await timer
    }
  }

  async #read(response: Response): Promise<string> {
    const { responseBytesMax } = this.#options
    const chunks: Uint8Array[] = []
    let bytes = 0
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        bytes += chunk.length
        if (bytes > responseBytesMax)
          throw new HbError('response-malformed', `over ${responseBytesMax} bytes`)
        chunks.push(chunk)
      }
    } catch (cause) {
      if (isHbError(cause)) throw cause
      throw new HbError('node-unreachable', `${this.base}: the answer broke off`, { cause })
    }
    return Buffer.concat(chunks).toString()
  }
}

function grown(tries: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** tries, GROWN_DELAY_MS_MAX)
}

/** The error in an answer that is one: with the node's code where this version knows it. */
export function errorOf(answer: Answer): HbError {
  return errorFrom((tolerant(answer.text) as { error?: unknown } | undefined)?.error, answer.status)
}

/** An error as the node writes it ({code, message, advice, detail}) → HbError. */
export function errorFrom(error: unknown, status?: number): HbError {
  const { code, message, detail } = (error ?? {}) as {
    code?: unknown
    message?: unknown
    detail?: unknown
  }
  if (typeof code !== 'string') {
    return new HbError(
      'response-malformed',
      status === undefined ? 'an error without code' : `status ${status}`,
    )
  }
  const said = typeof detail === 'string' ? detail : ''
  if (Object.hasOwn(ERROR_TABLE, code)) return new HbError(code as ErrorCode, said)
  return new HbError('node-error', `${code}: ${String(message)}`)
}

/** The value of JSON that a node sent. Throws `response-malformed`. */
export function parsed(text: string): unknown {
  const value = tolerant(text)
  if (value === undefined) throw new HbError('response-malformed', 'it is no JSON')
  return value
}

function tolerant(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function baseOf(url: string): string {
  const parsedUrl = URL.canParse(url) ? new URL(url) : undefined
  if (parsedUrl === undefined || !/^https?:$/.test(parsedUrl.protocol)) {
    throw new HbError('query-invalid', `${url} is not an http address`)
  }
  return parsedUrl.href.replace(/[?#].*$/, '').replace(/\/+$/, '')
}

function redirectTo(from: string, location: string): string {
  const url = URL.canParse(location, from) ? new URL(location, from) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href
  throw new HbError('response-malformed', `sent on to ${location.slice(0, 200)}`)
}

function addressOf(base: string, { path, query = {} }: RequestSpec): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value))
  }
  return search.size === 0 ? `${base}${path}` : `${base}${path}?${search.toString()}`
}

// Seconds only: a date would need the node's clock and ours to agree.
function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined
}

function causeOf(error: unknown): string {
  const code = ((error as { cause?: { code?: unknown } } | null)?.cause ?? {}).code
  return typeof code === 'string' ? ` (${code})` : ''
}
