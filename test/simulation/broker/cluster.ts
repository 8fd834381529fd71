// The brokers of the simulated network: topics, their records, and what is shown of them. Effects
// are synchronous; who calls from afar goes through sim-log.ts, where latency and faults are.
//
// Invariants: K1 offsets of a partition only grow, and nothing that was written is changed (a
// trimmed, compacted or lost record is only no longer shown), unless `rot` says so. K2 observers
// hear of every append, commit and trim in the instant in which it takes effect.

import type { LogRecord, PartitionEnds, ProvisionOptions } from '../../../src/log/port.ts'
import type { StoredRecord, TopicSpec } from '../../../src/log/port.ts'
import { absent } from '../../../src/log/absent.ts'
import { checkBatch, checkSpec, LOG_LIMITS } from '../../../src/log/local/limits.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import { HbError } from '../../../src/std/errors.ts'
import { asBuffer } from '../../../src/std/bytes.ts'
import { EPOCH_MS, MS } from '../world/world.ts'
import type { World } from '../world/world.ts'
import { Coordinator } from './coordinator.ts'
import type { GroupLimits } from './coordinator.ts'
import { Conduct } from './conduct.ts'

export type Partition = {
  readonly topic: Topic
  readonly index: number
  start: number
  /** By offset; undefined: compacted away, or lost. What was trimmed is kept for the checkers. */
  readonly records: (StoredRecord | undefined)[]
  readonly waiters: Set<() => void>
  /** Until then the partition seems to end at `end`. */
  stale: { readonly end: number; readonly until: number } | undefined
  /** Until then it has no leader: nothing is answered. */
  downUntil: number
  /** Until then appends of processes' messages are acknowledged, and lost. */
  losesRelayedUntil: number
  /** Called when an append has reached the leader, which has not replicated it. */
  onAppend: (() => void) | undefined
  /** Of its leader: what an earlier one had not replicated is lost. */
  epoch: number
}

export type Topic = { readonly spec: TopicSpec; readonly partitions: readonly Partition[] }

export type ClusterObserver = {
  appended?(partition: Partition, records: readonly StoredRecord[], by: string): void
  committed?(group: string, partition: Partition, next: number, by: string): void
  trimmed?(partition: Partition): void
}

/** Who appends to ingress without a node. */
export const CLIENT = 'client'

export type Slice = { readonly records: StoredRecord[]; readonly next: number }

export class Cluster {
  readonly world: World
  readonly limits: GroupLimits
  readonly topics = new Map<string, Topic>()
  readonly observers: ClusterObserver[] = []
  readonly conduct = new Conduct()
  readonly #groups = new Map<string, Coordinator>()

  constructor(world: World, limits: GroupLimits) {
    this.world = world
    this.limits = limits
  }

  /** The instant as the brokers' clocks show it, ms. */
  get nowMs(): number {
    return Math.floor(EPOCH_MS + this.world.now / MS)
  }

  provision(specs: readonly TopicSpec[], { create = true }: ProvisionOptions = {}): void {
    const missing = specs.filter(({ name }) => !this.topics.has(name))
    if (!create && missing.length > 0) throw absent(missing)
    for (const spec of specs) {
      checkSpec(spec, LOG_LIMITS)
      const known = this.topics.get(spec.name)?.spec
      if (known === undefined) {
        const topic: Topic = { spec: { ...spec }, partitions: [] }
        const partitions = topic.partitions as Partition[]
        for (let index = 0; index < spec.partitions; index++) {
          const waiters = new Set<() => void>()
          const empty = { start: 0, records: [], stale: undefined, onAppend: undefined }
          const leader = { downUntil: 0, epoch: 0, losesRelayedUntil: 0 }
          partitions.push({ topic, index, waiters, ...empty, ...leader })
        }
        this.topics.set(spec.name, topic)
      } else if (known.partitions !== spec.partitions || known.cleanup !== spec.cleanup) {
        throw new HbError('log-topic-mismatch', spec.name)
      }
    }
  }

  topic(name: string): Topic {
    const topic = this.topics.get(name)
    if (topic === undefined) throw new HbError('log-topic-unknown', name)
    return topic
  }

  partition(name: string, index: number): Partition {
    const partition = this.topic(name).partitions[index]
    if (partition === undefined) throw new HbError('log-topic-unknown', `${name}[${index}]`)
    return partition
  }

  /** The values are the cluster's from now on: nobody may write to them. */
  append(partition: Partition, records: readonly LogRecord[], by: string): number {
    const base = partition.records.length
    const timestamp = this.nowMs
    const stored = records.map((record, index) => storedAs(record, base + index, timestamp))
    // what no node sent is no relayer's
    const mayBeLost = by !== CLIENT && this.world.now < partition.losesRelayedUntil
    const isLost = mayBeLost && stored.every(isRelayed)
    if (isLost) this.world.saw('relayed messages are lost')
    partition.records.push(...stored.map((record) => (isLost ? undefined : record)))
    for (const observer of this.observers) observer.appended?.(partition, stored, by)
    for (const wake of [...partition.waiters]) wake()
    return base
  }

  /** Without a leader. */
  isDown({ downUntil }: Partition): boolean {
    return downUntil > this.world.now
  }

  /** The end as it is shown now. */
  shownEnd({ records, stale }: Partition): number {
    if (stale === undefined || this.world.now >= stale.until) return records.length
    return Math.min(stale.end, records.length)
  }

  ends({ partitions }: Topic): PartitionEnds[] {
    return partitions.map((partition) => {
      return { start: partition.start, end: Math.max(partition.start, this.shownEnd(partition)) }
    })
  }

  /** What there is from an offset on; throws `log-position-out-of-range`. */
  slice(
    partition: Partition,
    from: number,
    bounds: { readonly to: number; readonly recordsMax: number; readonly bytesMax: number },
  ): Slice {
    const { records, start, topic, index } = partition
    if (!Number.isInteger(from) || from < start || from > records.length) {
      const what = `${topic.spec.name}[${index}] retains ${start} to ${records.length}`
      throw new HbError('log-position-out-of-range', `${what}, asked for ${from}`)
    }
    const end = Math.min(bounds.to, this.shownEnd(partition))
    const found: StoredRecord[] = []
    let bytes = 0
    let at = from
    for (; at < end && found.length < bounds.recordsMax; at++) {
      const record = records[at]
      if (record === undefined) continue
      bytes += record.value?.length ?? 0
      if (bytes > bounds.bytesMax && found.length > 0) break
      found.push(record)
    }
    return { records: found, next: Math.max(at, from) }
  }

  trim(partition: Partition, before: number): void {
    if (partition.topic.spec.cleanup !== 'log') {
      throw new HbError('log-not-trimmable', partition.topic.spec.name)
    }
    if (before <= partition.start) return
    if (before > partition.records.length) {
      throw new HbError('log-position-out-of-range', `trim to ${before}`)
    }
    partition.start = before
    for (const observer of this.observers) observer.trimmed?.(partition)
  }

  /** Keeps the newest record of each key, below the end. */
  compact(partition: Partition): void {
    const { records } = partition
    const seen = new Set<string>()
    for (let at = records.length - 1; at >= 0; at--) {
      const key = records[at]?.key
      if (key === undefined || key === null) continue
      if (seen.has(key)) records[at] = undefined
      seen.add(key)
    }
  }

  /** One bit of a stored record is another one: what checksums are there to see. */
  rot(partition: Partition, offset: number, bit: number): void {
    const record = partition.records[offset]
    if (!record?.value || record.value.length === 0) return
    const value = Buffer.from(record.value)
    const at = (bit >>> 3) % value.length
    value[at] = (value[at] as number) ^ (1 << (bit & 7))
    partition.records[offset] = { ...record, value }
  }

  /** Looks as if it ended earlier, to whoever asks or reads. */
  showStale(partition: Partition, end: number, forUs: number): void {
    partition.stale = { end: Math.max(partition.start, end), until: this.world.now + forUs }
    this.world.after(forUs, () => {
      for (const wake of [...partition.waiters]) wake()
    })
  }

  group(name: string): Coordinator {
    let group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, (group = new Coordinator(this, name)))
    return group
  }

  get groups(): Iterable<Coordinator> {
    return this.#groups.values()
  }

  checkBatch(topic: Topic, records: readonly LogRecord[]): void {
    checkBatch(topic.spec, records, LOG_LIMITS)
  }
}

function storedAs(record: LogRecord, offset: number, timestamp: number): StoredRecord {
  const { key, value, headers } = record
  return { key, value, offset, timestamp, ...(headers && { headers: { ...headers } }) }
}

const records = new Records()

function isRelayed({ value }: StoredRecord): boolean {
  try {
    return value !== null && records.decodeIngress(asBuffer(value)).type === 'relayed'
  } catch {
    return false
  }
}
