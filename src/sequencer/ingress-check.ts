// What can be said of a partition's ingress without its log: form, size, network, key, signature.
//
// Owners: partition.ts makes one, and orders what passes. Invariants: G1 what is refused here is
// refused for what the record says, in this network and partition and by its schema; never for
// what the log or the time says. G2 every record comes back once, as a candidate or refused; the
// candidates stand in the order of ingress. G3 a fault of the verifier is no verdict on a message:
// it is asked again, and at last the whole batch fails. G4 a refusal does not name its message: an
// id is a hash of the signature, and where that does not hold it may be another message's.

import { schemaIdOf } from '../protocol/codec/confluent.ts'
import type { Records, WireMessage } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { partitionOf } from '../protocol/topics.ts'
import { messageOf } from '../protocol/wire.ts'
import type { StoredRecord } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import { traceOf } from '../std/trace.ts'
import type { Verdict, Verifier } from '../verifier/port.ts'
import type { Candidate } from './core.ts'
import type { ForeignSchemas, Unusable } from './foreign-schemas.ts'
import type { SequencerLimits } from './ports.ts'

export type IngressCheckOptions = {
  readonly network: Network
  readonly partition: number
  readonly records: Records
  readonly clock: Clock
  readonly verifier: Verifier
  readonly limits: Pick<SequencerLimits, 'retryDelayMs'>
  readonly tracing: Tracing
  /** Aborted when the partition is given up. */
  readonly signal: AbortSignal
  /** Undefined: there is no schema registry. */
  readonly foreign?: ForeignSchemas | undefined
}

export type Checked = {
  readonly candidates: readonly Candidate[]
  readonly refused: readonly { readonly record: StoredRecord; readonly error: HbError }[]
}

/** Faults of the verifier in a row before the partition halts. */
const VERIFY_TRIES_MAX = 5

export class IngressCheck {
  readonly #o: IngressCheckOptions

  constructor(options: IngressCheckOptions) {
    this.#o = options
  }

  /**
   * Of records with schemas of a registry: these were asked for before, and `unusable` holds those
   * that cannot be used. Throws `verifier-worker-died`, and what the verifier throws.
   */
  async check(records: readonly StoredRecord[], unusable?: Unusable): Promise<Checked> {
    const refused: { record: StoredRecord; error: HbError }[] = []
    const candidates: Candidate[] = []
    const signed: { candidate: Candidate; record: StoredRecord; bytes: Buffer }[] = []
    for (const record of records) {
      try {
        const candidate = this.candidate(record, unusable)
        candidates.push(candidate)
        const { wire } = candidate
        if (wire.type === 'signed') signed.push({ candidate, record, bytes: wire.item })
      } catch (error) {
        if (!isHbError(error)) throw error
        refused.push({ record, error })
      }
    }
    if (signed.length === 0) return { candidates, refused }
    const verdicts = await this.#verdicts(signed.map(({ bytes }) => bytes))
    const bad = new Set<Candidate>()
    verdicts.forEach((verdict, index) => {
      if (verdict.ok) return
      const { candidate, record } = signed[index] as (typeof signed)[number]
      bad.add(candidate)
      candidate.leg?.end(verdict.code)
      refused.push({ record, error: new HbError(verdict.code, verdict.text) })
    })
    return { candidates: candidates.filter((candidate) => !bad.has(candidate)), refused }
  }

  /**
   * What the record asks a place for; its signature is not looked at. Throws `record-malformed`,
   * `message-too-large`, what `messageOf` throws, `writer-schema-unusable`.
   */
  candidate(record: StoredRecord, unusable?: Unusable): Candidate {
    if (record.value === null) throw new HbError('record-malformed', 'an empty record')
    const { messageBytesMax } = this.#o.network.genesis.limits
    if (record.value.length > messageBytesMax) {
      const bytes = record.value.length
      throw new HbError('message-too-large', `${bytes} bytes, at most ${messageBytesMax}`)
    }
    const wire = this.#wire(asBuffer(record.value), unusable)
    if (wire.type === 'genesis') throw new HbError('record-malformed', 'genesis is not sent')
    const message = messageOf(this.#o.network, wire)
    const partition = partitionOf(message.process, this.#o.network.genesis.partitions)
    if (partition !== this.#o.partition) {
      throw new HbError('record-malformed', `${message.process} is of partition ${partition}`)
    }
    // compaction, quotas and whoever reads the topic go by the key
    if (record.key !== message.process) {
      const text = `the key is ${JSON.stringify(record.key)}, its process ${message.process}`
      throw new HbError('record-malformed', text)
    }
    const trace = traceOf(record)
    const { process, id } = message
    const leg = this.#o.tracing.begin('hb.sequence', trace, partition, process, id)
    return { message, wire, source: record, leg, unclear: false }
  }

  /** It is in the wire format of a schema registry, and there is one. */
  isForeign({ value }: StoredRecord): boolean {
    if (this.#o.foreign === undefined || value === null) return false
    return schemaIdOf(asBuffer(value)) !== undefined
  }

  #wire(bytes: Buffer, unusable: Unusable | undefined): WireMessage {
    const { foreign, records } = this.#o
    const id = foreign === undefined ? undefined : schemaIdOf(bytes)
    if (foreign === undefined || id === undefined) return records.decodeIngress(bytes)
    return foreign.read(id, bytes, unusable)
  }

  async #verdicts(items: readonly Buffer[]): Promise<readonly Verdict[]> {
    const { verifier, clock, limits, signal } = this.#o
    for (let tries = 1; ; tries++) {
      const verdicts = await verifier.verify(items)
      const fault = verdicts.find((each) => !each.ok && each.code === 'verifier-worker-died')
      if (fault === undefined || fault.ok) return verdicts
      if (tries >= VERIFY_TRIES_MAX || signal.aborted) throw new HbError(fault.code, fault.text)
      await clock.sleep(limits.retryDelayMs * tries, signal)
    }
  }
}
