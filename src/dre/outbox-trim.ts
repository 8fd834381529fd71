// Trims a partition's outbox: what every target has settled, and what is older than the retention.
//
// Owner: task.ts, of a partition that it owns. What was published here is remembered, sparsely, as
// marks; what lies below the first mark, or was put there by another, is read, a bounded piece a
// round.
// Invariants: X1 no message above its target's settled counter is trimmed (R3). X2 the run that
// reached the greatest height first is never trimmed, and what is left begins with a run that went
// beyond all before it (R7): whoever reads on there sees how far results are published, whatever a
// zombie repeated behind them. X3 nothing is trimmed that the relayers have not committed: they go
// on there.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Result } from '../protocol/result.ts'
import { targetProcess } from '../protocol/target.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { asBuffer } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import { isHbError } from '../std/errors.ts'
import type { SettledChannels } from './settled-channels.ts'

export type OutboxTrimOptions = {
  readonly network: Network
  readonly partition: number
  readonly log: Log
  readonly topic: string
  readonly relayerGroup: string
  readonly records: Records
  readonly clock: Clock
  readonly outboxRetentionMs: number
  readonly trimRecordsMin: number
}

/**
 * Of a run that was published here: its offset, and the last numbers given in the channels with it.
 */
type Mark = { readonly offset: number; readonly outgoing: readonly number[]; readonly time: number }

/** Marks over the retention, and how close together they are at most. */
const MARKS = 1_000
const MARK_MS_MIN = 100
/** Reads of one round. */
const READS_MAX = 16

export class OutboxTrim {
  readonly #o: OutboxTrimOptions
  readonly #marks: Mark[] = []
  /** How far below the marks was read, and found to be trimmable. */
  #read: { offset: number; outgoing: number[] }
  /** The last height of what was read. */
  #top = -1
  /** Offset of the run, of those that were read, that went beyond all before it last. */
  #peak = -1
  /** Below this offset lies what others published: it may be numbered beyond what is known here. */
  #foreign = -1

  constructor(options: OutboxTrimOptions) {
    this.#o = options
    this.#read = { offset: -1, outgoing: this.#none() }
  }

  /** Before a run that was published here, and lies at this offset, there is one that was not. */
  foreign(offset: number): void {
    this.#foreign = offset
  }

  /** A run was published at this offset, up to this height. */
  published(offset: number, height: number, outgoing: readonly number[]): void {
    if (this.#read.offset < this.#foreign || height <= this.#top) return
    const time = this.#o.clock.now()
    const last = this.#marks.at(-1)
    const spacing = Math.max(MARK_MS_MIN, this.#o.outboxRetentionMs / MARKS)
    if (last !== undefined && time - last.time < spacing) return
    this.#marks.push({ offset, outgoing: maxima(outgoing, this.#read.outgoing), time })
  }

  async trim(settled: SettledChannels): Promise<void> {
    const { log, topic, partition, relayerGroup, trimRecordsMin } = this.#o
    const relayed = (await log.committed(relayerGroup, topic))[partition]
    if (relayed === undefined) return
    const { start } = await endsOf(log, topic, partition)
    const old = this.#o.clock.now() - this.#o.outboxRetentionMs
    let before = this.#byMarks(relayed, old, settled)
    if (before === undefined) {
      await this.#readOn(start, relayed, old, settled)
      before = this.#peak
    }
    if (before - start >= trimRecordsMin) await log.trim(topic, partition, before)
  }

  #byMarks(bound: number, old: number, settled: SettledChannels): number | undefined {
    let passed: Mark | undefined
    for (let [mark] = this.#marks; mark !== undefined; [mark] = this.#marks) {
      const { offset, outgoing, time } = mark
      if (offset > bound || time > old || !settled.covers(this.#o.partition, outgoing)) break
      passed = this.#marks.shift()
    }
    if (passed === undefined) return undefined
    this.#read = { offset: passed.offset, outgoing: [...passed.outgoing] }
    return passed.offset
  }

  /** Reads what lies below the first mark, as far as it can be trimmed. */
  async #readOn(
    start: number,
    bound: number,
    old: number,
    settled: SettledChannels,
  ): Promise<void> {
    const { log, topic, partition } = this.#o
    if (this.#read.offset < start) this.#read = { offset: start, outgoing: this.#read.outgoing }
    // beyond the first mark it is the marks that tell; the run there is looked at, and stays
    const to = Math.min(bound, this.#marks[0]?.offset ?? bound)
    for (let reads = 0; reads < READS_MAX && this.#read.offset <= to; reads++) {
      const slice = await log.read(topic, partition, this.#read.offset, { to: to + 1 })
      for (const record of slice.records) {
        const outgoing = this.#after(record)
        const isOver = record.offset >= to || record.timestamp > old
        if (isOver || !settled.covers(partition, outgoing)) return
        this.#read = { offset: record.offset + 1, outgoing }
      }
      if (slice.records.length === 0) return
    }
  }

  /** The channels' last numbers after this record too. */
  #after({ value, offset }: StoredRecord): number[] {
    const outgoing = this.#read.outgoing.slice()
    if (value === null) return outgoing
    try {
      const { from, results } = this.#o.records.decodeRun(asBuffer(value))
      const last = from + results.length - 1
      if (last > this.#top) {
        this.#top = last
        this.#peak = offset
      }
      for (const result of results) this.#count(result, outgoing)
    } catch (error) {
      // what does not decode holds no message
      if (!isHbError(error)) throw error
    }
    return outgoing
  }

  #count({ height, process: caller, messages }: Result, outgoing: number[]): void {
    const { network, partition } = this.#o
    messages.forEach((content, index) => {
      if (content.kind === 'event') return
      const process = targetProcess(network.id, { caller, partition, height, index }, content)
      const target = partitionOf(process, network.genesis.partitions)
      outgoing[target] = Math.max(outgoing[target] ?? 0, content.seq)
    })
  }

  #none(): number[] {
    return new Array<number>(this.#o.network.genesis.partitions).fill(0)
  }
}

function maxima(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => Math.max(value, b[index] ?? 0))
}
