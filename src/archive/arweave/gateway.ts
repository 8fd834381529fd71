// Requests to a gateway of Arweave, over HTTP.
//
// Owners: one per archive. Invariants: G1 a request ends: in time, in bytes and in tries. G2 what
// is down, slow, busy (429, 5xx) or answers nonsense is tried again ever more slowly, then it is
// `archive-gateway-failed`. G3 nothing that comes back is believed here: who asks verifies it.

import type { Clock } from '../../std/clock.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { ArweaveLimits } from './limits.ts'

export type Answer = { readonly status: number; readonly bytes: Buffer }

export type Request = {
  readonly path: string
  /** Makes it a POST. */
  readonly body?: object
  /** Carries a transaction's data of at most so many bytes. */
  readonly dataBytes?: number
  readonly signal?: AbortSignal | undefined
}

export type GatewayOptions = {
  /** `https://host`, `http://host:port`, or a host alone: https. */
  readonly url: string
  readonly clock: Clock
  readonly limits: ArweaveLimits
}

type Tried<T> = { readonly value: T } | { readonly why: string; readonly waitMs: number }

export class Gateway {
  readonly url: string
  readonly #clock: Clock
  readonly #limits: ArweaveLimits

  /** Throws `usage` where the text is no address. */
  constructor({ url, clock, limits }: GatewayOptions) {
    this.url = gatewayUrl(url)
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * What `read` makes of an answer that is neither 429 nor 5xx; where it throws
   * `archive-gateway-failed`, that is tried again too. Throws that, and `interrupted`.
   */
  async ask<T>(request: Request, read: (answer: Answer) => T): Promise<T> {
    const { triesMax, retryDelayMs, retryDelayMsMax } = this.#limits
    const { path, signal } = request
    for (let tried = 1, delayMs = retryDelayMs; ; tried++, delayMs *= 2) {
      if (signal?.aborted === true) throw new HbError('interrupted', `${this.url}${path}`)
      const outcome = await this.#try(request, read)
      if ('value' in outcome) return outcome.value
      const { why, waitMs } = outcome
      if (tried >= triesMax) throw failed(`${this.url}${path}: ${why}`)
      await this.#clock.sleep(Math.min(Math.max(delayMs, waitMs), retryDelayMsMax), signal)
    }
  }

  async #try<T>(request: Request, read: (answer: Answer) => T): Promise<Tried<T>> {
    try {
      const { answer, retryAfter } = await this.#once(request)
      const isBusy = answer.status === 429 || answer.status >= 500
      if (!isBusy) return { value: read(answer) }
      const waitMs = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) * 1_000 : 0
      return { why: `status ${answer.status}`, waitMs }
    } catch (error) {
      if (isHbError(error) && error.code !== 'archive-gateway-failed') throw error
      return { why: isHbError(error) ? error.detail : reasonOf(error), waitMs: 0 }
    }
  }

  async #once(request: Request): Promise<{ answer: Answer; retryAfter: string | null }> {
    const { path, body, dataBytes, signal } = request
    const { requestTimeoutMs, transferTimeoutMs, answerBytesMax } = this.#limits
    const timeoutMs = dataBytes === undefined ? requestTimeoutMs : transferTimeoutMs
    const ended = new AbortController()
    const end = (): void => ended.abort(new Error(`no answer within ${timeoutMs} ms`))
    signal?.addEventListener('abort', end, { once: true })
    void this.#clock.sleep(timeoutMs, ended.signal).then(end)
    try {
      const posted = body !== undefined && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }
      const response = await fetch(`${this.url}${path}`, { ...posted, signal: ended.signal })
      const bytes = await readBounded(response, dataBytes ?? answerBytesMax)
      const retryAfter = response.headers.get('retry-after')
      return { answer: { status: response.status, bytes }, retryAfter }
    } finally {
      signal?.removeEventListener('abort', end)
      ended.abort()
    }
  }
}

export function failed(detail: string): HbError {
  return new HbError('archive-gateway-failed', detail)
}

/** The first of what it said: for people, who need not see a page of HTML. */
export function textOf({ bytes }: Answer): string {
  return bytes.toString('utf8', 0, 200).replace(/\s+/g, ' ').trim()
}

export function parseAnswer(answer: Answer): unknown {
  try {
    return JSON.parse(answer.bytes.toString())
  } catch {
    throw failed(`not JSON: ${textOf(answer)}`)
  }
}

async function readBounded({ body }: Response, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  if (body === null) return Buffer.alloc(0)
  for await (const part of body as ReadableStream<Uint8Array>) {
    bytes += part.length
    if (bytes > bytesMax) throw failed(`an answer of more than ${bytesMax} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** fetch hides in the cause what happened. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}

function gatewayUrl(text: string): string {
  const whole = text.includes('://') ? text : `https://${text}`
  const url = /^https?:/.test(whole) && URL.canParse(whole) ? new URL(whole) : undefined
  if (url !== undefined && url.search === '' && url.hash === '') {
    return url.href.replace(/\/+$/, '')
  }
  throw new HbError('usage', `${text}: write the gateway as https://HOST or http://HOST:PORT`)
}
