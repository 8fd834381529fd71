// Limits of the HTTP server (R9): a node's configuration, never part of a result. Each has a unit
// at its name's end, a default, and the error code that says that it was passed.

import type { ErrorCode } from '../../std/errors.ts'
import { HbError } from '../../std/errors.ts'

export type HttpLimits = { readonly [K in keyof typeof HTTP_LIMIT_TABLE]: number }

type Row = { readonly default: number; readonly code: ErrorCode }

export const HTTP_LIMIT_TABLE = {
  /**
   * Bytes of the body of POST /messages/batch; of POST /messages it is the protocol's
   * messageBytesMax.
   */
  batchBytesMax: { default: 16_777_216, code: 'body-too-large' },
  batchItemsMax: { default: 1_000, code: 'batch-too-many' },
  /** Bytes of all bodies that are being received or submitted. */
  bodyBytesInFlightMax: { default: 67_108_864, code: 'http-busy' },
  /** More are closed at once, unanswered: an answer would cost what the limit saves. */
  connectionsMax: { default: 4_096, code: 'http-busy' },
  waitsMax: { default: 1_000, code: 'waits-too-many' },
  /** What ?timeout= may ask for, and what it is when absent. */
  waitTimeoutMsMax: { default: 60_000, code: 'query-invalid' },
  waitTimeoutMsDefault: { default: 10_000, code: 'query-invalid' },
  streamsMax: { default: 100, code: 'streams-too-many' },
  /** A reader of a stream that takes nothing for so long is cut off; it may resume. */
  streamStallMsMax: { default: 30_000, code: 'stream-stalled' },
  /** A stream with nothing to say sends a comment this often. */
  streamKeepAliveMs: { default: 15_000, code: 'stream-stalled' },
  /** What ?limit= may ask for, and what it is when absent. */
  pageMax: { default: 1_000, code: 'query-invalid' },
  pageDefault: { default: 100, code: 'query-invalid' },
  requestTimeoutMs: { default: 30_000, code: 'request-too-slow' },
  keepAliveTimeoutMs: { default: 65_000, code: 'request-too-slow' },
  /** What an answer 503 tells the sender to wait. */
  retryAfterS: { default: 1, code: 'http-busy' },
  /** At closing, what is under way may take so long before its connections are cut. */
  closeGraceMs: { default: 5_000, code: 'node-stopping' },
} as const satisfies Record<string, Row>

export function httpLimits(given: Partial<HttpLimits> = {}): HttpLimits {
  const limits: Record<string, number> = {}
  for (const [name, row] of Object.entries(HTTP_LIMIT_TABLE)) {
    limits[name] = given[name as keyof HttpLimits] ?? row.default
  }
  return limits as HttpLimits
}

/**
 * So many of something at a time, and no more: `enter` throws the limit's code, with nothing done.
 */
export class Room {
  #inside = 0
  readonly #name: keyof HttpLimits
  readonly #most: number

  constructor(name: keyof HttpLimits, most: number) {
    this.#name = name
    this.#most = most
  }

  get inside(): number {
    return this.#inside
  }

  enter(amount = 1): void {
    if (this.#inside + amount > this.#most) {
      throw new HbError(HTTP_LIMIT_TABLE[this.#name].code, `${this.#name} is ${this.#most}`)
    }
    this.#inside += amount
  }

  leave(amount = 1): void {
    this.#inside -= amount
  }
}
