// The log port over a Storage: everything that the memory log and the embedded log have in common.
// Owners: memory/memory-log.ts and embedded/embedded-log.ts construct it; nobody else.
//
// Invariants: L1 to L6 of the port; T1 to T3 of the storage below. Compactions run one at a time.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { absent } from '../absent.ts'
import type {
  GroupMember,
  JoinOptions,
  Log,
  LogRecord,
  Membership,
  PartitionEnds,
  ProvisionOptions,
  ReadOptions,
  ReadResult,
  TopicSpec,
} from '../port.ts'
import { compactPartition, isDirty, type Compacted } from './compaction.ts'
import { Group } from './group.ts'
import { checkBatch, checkName, checkSpec, type LogLimits } from './limits.ts'
import { readSlice, type PartitionState, type Storage, type TopicState } from './storage.ts'
import { checkPosition } from './stored-source.ts'

/** Offsets that one transaction of a trim deletes. */
const TRIM_SLICE = 16_384
const READ_BYTES = 1_048_576

export type LocalLogOptions = {
  readonly storage: Storage
  readonly clock: Clock
  readonly limits: LogLimits
  readonly generationBase: number
}

/**
 * A log on one machine; `compact` runs a compaction now (it runs by itself when enough of a
 * partition is stale).
 */
export type LocalLog = Log & {
  compact(topic: string, partition: number): Promise<Compacted>
}

export function createLocalLog(options: LocalLogOptions): LocalLog {
  return new LocalLogOverStorage(options)
}

class LocalLogOverStorage implements LocalLog {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #limits: LogLimits
  readonly #generationBase: number
  readonly #groups = new Map<string, Group>()
  readonly #closing = new AbortController()
  readonly #watched = new Set<PartitionState>()
  #compactions: Promise<unknown> = Promise.resolve()
  #provisioning: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: LocalLogOptions) {
    this.#storage = options.storage
    this.#clock = options.clock
    this.#limits = options.limits
    this.#generationBase = options.generationBase
    this.#watchCompacted()
  }

  provision(topics: readonly TopicSpec[], options: ProvisionOptions = {}): Promise<void> {
    // One after another, or two callers would both create what both found missing.
    const done = this.#provisioning.then(() => this.#provision(topics, options))
    this.#provisioning = done.catch(() => undefined)
    return done
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    const state = this.#partition(topic, partition)
    const bytes = checkBatch(state.topic.spec, records, this.#limits)
    return this.#storage.append(state, records, bytes)
  }

  async read(
    topic: string,
    partition: number,
    from: number,
    options: ReadOptions = {},
  ): Promise<ReadResult> {
    const state = this.#partition(topic, partition)
    const to = options.to ?? Infinity
    const bounds = { to, recordsMax: Infinity, bytesMax: options.bytesMax ?? READ_BYTES }
    const deadline = this.#clock.now() + (options.waitMs ?? 0)
    let position = from
    for (;;) {
      checkPosition(state, position)
      const slice = readSlice(this.#storage, state, position, bounds)
      position = slice.next
      if (slice.records.length > 0 || position >= to || options.signal?.aborted === true) {
        return slice
      }
      const waitMs = options.waitMs === undefined ? 0 : deadline - this.#clock.now()
      if (waitMs <= 0) return slice
      await this.#nextAppend(state, waitMs, options.signal)
      this.#checkOpen()
    }
  }

  async ends(topic: string): Promise<readonly PartitionEnds[]> {
    return this.#topic(topic).partitions.map(({ start, end }) => ({ start, end }))
  }

  async trim(topic: string, partition: number, before: number): Promise<void> {
    const state = this.#partition(topic, partition)
    if (state.topic.spec.cleanup !== 'log') throw new HbError('log-not-trimmable', topic)
    if (before <= state.start) return
    checkPosition(state, before)
    const start = state.start
    const from = this.#storage.chunkAt(state, start)?.base ?? start
    // At once, so that nobody reads what is about to go.
    state.start = before
    const straddling = this.#storage.chunkAt(state, before)
    const to = straddling === undefined ? before : Math.min(before, straddling.base)
    let slice = from
    try {
      do {
        const until = Math.max(slice, Math.min(to, slice + TRIM_SLICE))
        await this.#storage.rewrite(state, slice, until, [])
        slice = until
      } while (slice < to)
    } catch (error) {
      // The first slice carries the new start; without it nothing was trimmed.
      if (slice === from) state.start = start
      throw error
    }
  }

  async join(options: JoinOptions): Promise<Membership> {
    checkName(options.group)
    const topics = options.topics.map((name) => this.#topic(name))
    if (topics.length === 0 || new Set(topics.map((topic) => topic.spec.partitions)).size > 1) {
      throw new HbError('log-group-mismatch', `${options.group}: ${options.topics.join(' ')}`)
    }
    let group = this.#groups.get(options.group)
    if (group === undefined || group.empty) {
      group = this.#newGroup(options.group, topics, group)
      this.#groups.set(options.group, group)
    }
    return group.join(options)
  }

  async committed(group: string, topic: string): Promise<readonly (number | undefined)[]> {
    return this.#topic(topic).partitions.map((state) => this.#storage.durablePosition(group, state))
  }

  async members(group: string): Promise<readonly GroupMember[]> {
    this.#checkOpen()
    return this.#groups.get(group)?.members() ?? []
  }

  async compact(topic: string, partition: number): Promise<Compacted> {
    const state = this.#partition(topic, partition)
    if (state.topic.spec.cleanup !== 'compact') return { kept: 0, removed: 0 }
    return this.#enqueueCompaction(state)
  }

  describe(): string {
    return this.#storage.describe()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#groups.values()].map((group) => group.close()))
    await this.#compactions
    await this.#provisioning
    await this.#storage.close()
  }

  async #provision(topics: readonly TopicSpec[], options: ProvisionOptions): Promise<void> {
    this.#checkOpen()
    const missing: TopicSpec[] = []
    for (const spec of topics) {
      checkSpec(spec, this.#limits)
      const known = this.#storage.topics.get(spec.name)?.spec
      if (known === undefined) missing.push(spec)
      else if (known.partitions !== spec.partitions || known.cleanup !== spec.cleanup) {
        throw new HbError(
          'log-topic-mismatch',
          `${spec.name}: is ${known.cleanup} with ${known.partitions} partitions`,
        )
      }
    }
    if (missing.length > 0 && options.create === false) throw absent(missing)
    const count = this.#storage.topics.size + missing.length
    if (count > this.#limits.topicsMax) {
      const { topicsMax } = this.#limits
      throw new HbError('log-limit-exceeded', `${count} topics, topicsMax ${topicsMax}`)
    }
    if (missing.length > 0) await this.#storage.createTopics(missing)
    this.#watchCompacted()
  }

  #newGroup(name: string, topics: readonly TopicState[], former: Group | undefined): Group {
    return new Group({
      name,
      topics,
      storage: this.#storage,
      clock: this.#clock,
      drainTimeoutMs: this.#limits.drainTimeoutMs,
      generationBase: former?.generation ?? this.#generationBase,
    })
  }

  #watchCompacted(): void {
    for (const topic of this.#storage.topics.values()) {
      if (topic.spec.cleanup !== 'compact') continue
      for (const state of topic.partitions) this.#watch(state)
    }
  }

  #watch(state: PartitionState): void {
    if (this.#watched.has(state)) return
    this.#watched.add(state)
    let queued = false
    state.listeners.add(() => {
      if (queued || this.#closing.signal.aborted || !isDirty(state, this.#limits)) return
      queued = true
      this.#enqueueCompaction(state).then(
        () => (queued = false),
        // Nothing is lost by a compaction that failed; the next append asks again.
        () => (queued = false),
      )
    })
  }

  #enqueueCompaction(state: PartitionState): Promise<Compacted> {
    const { signal } = this.#closing
    const done = this.#compactions.then(() =>
      compactPartition(this.#storage, state, this.#limits, this.#clock.now(), signal),
    )
    this.#compactions = done.catch(() => undefined)
    return done
  }

  async #nextAppend(
    state: PartitionState,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const woken = new AbortController()
    const wake = (): void => woken.abort()
    state.listeners.add(wake)
    signal?.addEventListener('abort', wake, { once: true })
    this.#closing.signal.addEventListener('abort', wake, { once: true })
    try {
      await this.#clock.sleep(waitMs, woken.signal)
    } finally {
      state.listeners.delete(wake)
      signal?.removeEventListener('abort', wake)
      this.#closing.signal.removeEventListener('abort', wake)
    }
  }

  #topic(name: string): TopicState {
    this.#checkOpen()
    const topic = this.#storage.topics.get(name)
    if (topic === undefined) throw new HbError('log-topic-unknown', name)
    return topic
  }

  #partition(name: string, index: number): PartitionState {
    const state = this.#topic(name).partitions[index]
    if (state === undefined) throw new HbError('log-topic-unknown', `${name}[${String(index)}]`)
    return state
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new HbError('log-closed')
  }
}
