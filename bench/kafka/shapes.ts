// What the roles really write for a message: sizes of keys, values and headers, seen where they
// append. The floor writes the same bytes.
// Invariant: nothing but sizes and one record's key and headers is kept.

import type { LogRecord } from '../../src/log/port.ts'
import { plainTopic } from '../stages.ts'
import type { Append } from '../watched-log.ts'

export const HOPS = ['ingress', 'log', 'outbox'] as const
export type Hop = (typeof HOPS)[number]

export type Shape = {
  readonly key: string
  readonly headers: Readonly<Record<string, string>> | undefined
  /** Bytes of values a message: a record of the outbox holds a run of many results. */
  readonly valueBytes: number
}
export type Shapes = Readonly<Record<Hop, Shape>>

type Seen = { appends: number; records: number; bytes: number; last: LogRecord | undefined }

export class ShapesSeen {
  readonly #seen: Readonly<Record<Hop, Seen>> = {
    ingress: nothing(),
    log: nothing(),
    outbox: nothing(),
  }

  see(append: Append, written: readonly LogRecord[]): void {
    const seen = this.#seen[plainTopic(append.topic) as Hop] as Seen | undefined
    if (seen === undefined) return
    seen.appends += 1
    seen.records += written.length
    for (const { value } of written) seen.bytes += value?.length ?? 0
    seen.last = written.at(-1)
  }

  shapes(): Shapes {
    const [ingress, log, outbox] = [this.#shape('ingress'), this.#shape('log'), this.#shape('outbox')]
    return { ingress, log, outbox }
  }

  /** "ingress 15.6, log 58.6, outbox 58.0 messages an append". */
  perAppend(): string {
    const each = HOPS.map((hop) => {
      const { appends } = this.#seen[hop]
      return `${hop} ${(this.#messages(hop) / appends).toFixed(1)}`
    })
    return `${each.join(', ')} messages an append`
  }

  /** "key 43, value 237, headers 96" bytes of each. */
  sizes(): string {
    const each = HOPS.map((hop) => {
      const { key, headers, valueBytes } = this.#shape(hop)
      const text = Object.entries(headers ?? {}).flat().join('')
      return `${hop} ${key.length} + ${Math.round(valueBytes)} + ${text.length}`
    })
    return `bytes a message (key + value + headers): ${each.join(', ')}`
  }

  #messages(hop: Hop): number {
    // every message is one record of ingress; what the outbox holds of it is part of a run
    return hop === 'outbox' ? this.#seen.ingress.records : this.#seen[hop].records
  }

  #shape(hop: Hop): Shape {
    const { bytes, last } = this.#seen[hop]
    if (last === undefined) throw new Error(`nothing was written to ${hop}`)
    return {
      key: last.key ?? '',
      headers: last.headers,
      valueBytes: Math.round(bytes / this.#messages(hop)),
    }
  }
}

function nothing(): Seen {
  return { appends: 0, records: 0, bytes: 0, last: undefined }
}
