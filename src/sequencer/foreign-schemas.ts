// Ingress that was written with schemas of a registry: which are at hand, and how others are asked
// for.
//
// Owners: service.ts makes one for all partitions, where there is a registry; each partition's
// sequencer asks it for itself. Invariants: F1 a registry that cannot answer is no verdict on a
// record: it is asked again until it does, or the partition is lost. F2 how an id is read holds for
// ever; that the registry has no such schema holds for the batch that it was asked for. F3 nothing
// of this is of any weight once a record is in the log, where it stands in our own encoding.

import { CONFLUENT_HEADER_BYTES, schemaIdOf } from '../protocol/codec/confluent.ts'
import type { Records, WireMessage } from '../protocol/codec/records.ts'
import type { StoredRecord } from '../log/port.ts'
import type { WriterSchemas } from '../schemas/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { SequencerFigures } from './ports.ts'

export type ForeignSchemasOptions = {
  readonly schemas: WriterSchemas
  readonly records: Records
  readonly clock: Clock
  readonly retryDelayMs: number
  readonly figures: SequencerFigures
}

/** Ids that cannot be used, and why: of one batch. */
export type Unusable = Map<number, HbError>

/** Consecutive records, and the schema that must be asked for before they can be read. */
export type Part = { readonly records: readonly StoredRecord[]; readonly id: number | undefined }

const RETRY_DELAY_MS_MAX = 2_000

export class ForeignSchemas {
  readonly #o: ForeignSchemasOptions
  readonly #known = new Map<number, ((bytes: Buffer) => WireMessage) | HbError>()
  /** One question per id at a time, whoever asks. */
  readonly #asking = new Map<number, Promise<HbError | undefined>>()

  constructor(options: ForeignSchemasOptions) {
    this.#o = options
  }

  /**
   * Cut before each record that is the first of a schema not at hand, so that nothing waits for a
   * schema that comes behind it. Undefined: nothing has to be asked.
   */
  parts(records: readonly StoredRecord[]): Part[] | undefined {
    const asked = new Set<number>()
    const cuts: { at: number; id: number }[] = []
    for (let at = 0; at < records.length; at++) {
      const { value } = records[at] as StoredRecord
      const id = value === null ? undefined : schemaIdOf(value)
      if (id === undefined || this.#known.has(id) || asked.has(id)) continue
      asked.add(id)
      cuts.push({ at, id })
    }
    if (cuts.length === 0) return undefined
    const parts = cuts.map(({ at, id }, index) => {
      return { records: records.slice(at, cuts[index + 1]?.at), id }
    })
    const before = records.slice(0, cuts[0]?.at)
    return before.length === 0 ? parts : [{ records: before, id: undefined }, ...parts]
  }

  /**
   * Resolves when the id can be read, or is among the unusable. Throws `partition-lost` when the
   * signal says so; `onWait` hears the first failure.
   */
  async learn(
    id: number,
    unusable: Unusable,
    signal: AbortSignal,
    onWait: (error: HbError) => void,
  ): Promise<void> {
    if (this.#known.has(id)) return
    const error = await this.#untilAnswered(id, signal, onWait)
    if (error !== undefined) unusable.set(id, error)
  }

  /** Throws `writer-schema-unusable`, `record-malformed`. */
  read(id: number, bytes: Buffer, unusable: Unusable | undefined): WireMessage {
    const known = this.#known.get(id) ?? unusable?.get(id)
    if (known === undefined) throw new Error(`schema ${id} was not asked for`)
    if (known instanceof HbError) throw new HbError(known.code, known.detail)
    return known(bytes)
  }

  async #untilAnswered(
    id: number,
    signal: AbortSignal,
    onWait: (error: HbError) => void,
  ): Promise<HbError | undefined> {
    const { clock, retryDelayMs, figures } = this.#o
    let delay = retryDelayMs
    for (let tries = 1; ; tries++) {
      try {
        return await orLost(this.#ask(id), signal)
      } catch (error) {
        const isAway =
          isHbError(error, 'schema-registry-unreachable') ||
          isHbError(error, 'schema-registry-refused')
        if (!isAway) throw error
        figures.schemaWaits += 1
        if (tries === 1) onWait(error)
        await clock.sleep(delay, signal)
        delay = Math.min(delay * 2, RETRY_DELAY_MS_MAX)
      }
    }
  }

  #ask(id: number): Promise<HbError | undefined> {
    const before = this.#asking.get(id)
    if (before !== undefined) return before
    const asking = this.#answer(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, asking)
    return asking
  }

  /** Undefined: it is known now. */
  async #answer(id: number): Promise<HbError | undefined> {
    const found = await this.#o.schemas.writerSchema(id)
    if (found.type === 'unusable') return new HbError('writer-schema-unusable', found.text)
    this.#known.set(id, this.#reader(found.schema))
    return undefined
  }

  #reader(schema: string): ((bytes: Buffer) => WireMessage) | HbError {
    try {
      return this.#o.records.ingressReader(schema, CONFLUENT_HEADER_BYTES)
    } catch (error) {
      if (isHbError(error, 'writer-schema-unusable')) return error
      throw error
    }
  }
}

/** What was begun ends by itself. */
async function orLost<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const lost = (): HbError => new HbError('partition-lost', 'stopping')
  work.catch(() => undefined)
  if (signal.aborted) throw lost()
  const stop = new AbortController()
  try {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(lost()), { signal: stop.signal })
    })
    return await Promise.race([work, aborted])
  } finally {
    stop.abort()
  }
}
