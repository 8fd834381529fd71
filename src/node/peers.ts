// What a node asks of another one: over HTTP, with the header that makes the other answer from its
// own knowledge alone.
//
// Invariants: P1 so many requests at a time, each bounded in time and bytes. P2 closing ends them.
// P3 whatever goes wrong is `peer-unreachable` (or `queue-full`), with the peer's address.

import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { MessageStatus, Part } from './api.ts'
import type { PeerLimits } from './peer-limits.ts'
import type { Stage } from './waits.ts'

/** A request with it is answered from what the node itself knows: it asks nobody, sends nowhere. */
export const FORWARDED_HEADER = 'hb-forwarded'

/** The part of the platform's own `fetch` that is used here. */
export type Fetch = (
  url: string,
  init: {
    readonly headers: Readonly<Record<string, string>>
    readonly signal: AbortSignal
    readonly redirect: 'error'
  },
) => Promise<Response>

export type PeerOptions = {
  readonly clock: Clock
  /** Default: the platform's own. */
  readonly fetch?: Fetch | undefined
  readonly limits: PeerLimits
  readonly signal: AbortSignal
}

type Answer = { readonly status: number; readonly text: string }

const STAGES: readonly MessageStatus['stage'][] = ['pending', 'sequenced', 'evaluated', 'refused']

export class Peers {
  readonly #o: PeerOptions
  #under = 0

  constructor(options: PeerOptions) {
    this.#o = options
  }

  /** Where the peer knows the message to be, now or once it is at the stage; undefined: nowhere. */
  async message(
    address: string,
    id: string,
    wait?: { readonly stage: Stage; readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<MessageStatus | undefined> {
    const waitMs = Math.max(0, Math.floor(wait?.timeoutMs ?? 0))
    const query = wait === undefined ? '' : `?wait=${wait.stage}&timeout=${waitMs}`
    const path = `/messages/${id}${query}`
    const { status, text } = await this.#get(address, path, waitMs, wait?.signal)
    if (status === 404) return undefined
    const answer = this.#value(address, status, text) as Partial<MessageStatus>
    if (answer.id !== id || answer.stage === undefined || !STAGES.includes(answer.stage)) {
      throw unreachable(address, 'its answer is about something else')
    }
    return answer as MessageStatus
  }

  /** The peer's own part of the list of processes. */
  async part(address: string, page: { after?: string; limit: number }): Promise<Part> {
    const after = page.after === undefined ? '' : `&after=${page.after}`
    const { status, text } = await this.#get(address, `/processes?limit=${page.limit}${after}`, 0)
    const answer = this.#value(address, status, text) as Partial<Part>
    if (!Array.isArray(answer.processes) || !Array.isArray(answer.partitions)) {
      throw unreachable(address, 'its answer is no list of processes')
    }
    return answer as Part
  }

  #value(address: string, status: number, text: string): object {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw unreachable(address, `it answered ${status}, and no JSON`)
    }
    if (status < 300 && typeof value === 'object' && value !== null) return value
    const code = (value as { error?: { code?: unknown } } | null)?.error?.code
    throw unreachable(address, `it answered ${status} ${typeof code === 'string' ? code : ''}`)
  }

  async #get(address: string, path: string, waitMs: number, signal?: AbortSignal): Promise<Answer> {
    const { clock, limits, fetch = globalThis.fetch } = this.#o
    if (this.#under >= limits.peerRequestsMax) {
      throw new HbError('queue-full', `${this.#under} requests to other nodes`)
    }
    this.#under += 1
    const stop = new AbortController()
    const done = new AbortController()
    const abort = (): void => stop.abort()
    const signals = [this.#o.signal, ...(signal === undefined ? [] : [signal])]
    for (const each of signals) {
      if (each.aborted) abort()
      each.addEventListener('abort', abort, { once: true })
    }
    void clock.sleep(waitMs + limits.peerTimeoutMs, done.signal).then(abort)
    try {
      const headers = { [FORWARDED_HEADER]: '1' }
      const init = { headers, signal: stop.signal, redirect: 'error' } as const
      const response = await fetch(`${address}${path}`, init)
      return { status: response.status, text: await this.#text(address, response) }
    } catch (cause) {
      if (cause instanceof HbError) throw cause
      throw unreachable(address, stop.signal.aborted ? 'no answer in time' : causeOf(cause), cause)
    } finally {
      this.#under -= 1
      for (const each of signals) each.removeEventListener('abort', abort)
      done.abort()
    }
  }

  async #text(address: string, response: Response): Promise<string> {
    const { peerAnswerBytesMax } = this.#o.limits
    const chunks: Uint8Array[] = []
    let bytes = 0
    const body: AsyncIterable<Uint8Array> | null = response.body
    for await (const chunk of body ?? []) {
      bytes += chunk.length
      if (bytes > peerAnswerBytesMax) throw unreachable(address, `over ${peerAnswerBytesMax} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString()
  }
}

function unreachable(address: string, why: string, cause?: unknown): HbError {
  return new HbError('peer-unreachable', `${address}: ${why}`, cause === undefined ? {} : { cause })
}

function causeOf(error: unknown): string {
  const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code
  return typeof code === 'string' ? code : String(error)
}
