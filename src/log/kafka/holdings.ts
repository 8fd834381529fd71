// The partitions that one member of a group owns: how each begins, is delivered, and ends.
// Owners: membership.ts, which alone says when.
//
// Invariants: H1 per partition, `assigned`, `records` and `revoked` calls do not overlap, unless
// the drain time ran out: then the partition is fenced, nothing it settles is noted, and if it
// comes back it is assigned only when all that was under way has ended. What is taken away before
// it began never begins. H2 a partition that fails halts alone. H3 the group waits for a member,
// never for ever. H4 a position that is out of range halts only who still owns the partition: where
// another has had it meanwhile, what lay there may well be trimmed.

import type { Clock } from '../../std/clock.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { JoinOptions, PartitionEnds } from '../port.ts'
import { Pump } from '../pump.ts'
import type { Commits } from './commits.ts'
import { FetchQueue } from './fetch-queue.ts'
import type { Fetcher } from './fetcher.ts'
import type { KafkaLogLimits } from './limits.ts'
import type { Reader } from './reader.ts'

export type HoldingsOptions = {
  readonly join: JoinOptions
  readonly clock: Clock
  readonly limits: KafkaLogLimits
  readonly reader: Reader
  readonly fetcher: Fetcher
  readonly commits: Commits
  /** The group's word on whether this member still has the partition. */
  readonly owns: (partition: number) => Promise<boolean>
  /** The group's positions of a topic, by partition. */
  readonly committed: (topic: string) => Promise<readonly (number | undefined)[]>
}

/** `ready` settles (never rejects) when `assigned` did. */
type Holding = {
  pumps: Pump[]
  queues: FetchQueue[]
  ready: Promise<void>
  /** The member was told of it. */
  begun: boolean
  stopped: boolean
  halted: boolean
  /** Somebody else's already. */
  lost: boolean
}

type Positions = Promise<Readonly<Record<string, readonly (number | undefined)[]>>>

export class Holdings {
  readonly #o: HoldingsOptions
  readonly #held = new Map<number, Holding>()
  /** What is still under way of partitions that were given up (H1). */
  readonly #late = new Map<number, Promise<unknown>>()

  constructor(options: HoldingsOptions) {
    this.#o = options
  }

  get partitions(): number[] {
    return [...this.#held.keys()].sort((a, b) => a - b)
  }

  has(partition: number): boolean {
    return this.#held.has(partition)
  }

  /** It is held, and not known to be somebody else's. */
  keeps(partition: number): boolean {
    return this.#held.get(partition)?.lost === false
  }

  /** Their positions are asked for together. */
  assign(partitions: readonly number[]): void {
    if (partitions.length === 0) return
    const all: Holding[] = []
    const positions = this.#untilReachable(all, () => this.#positions())
    positions.catch(() => undefined)
    for (const partition of partitions) {
      const holding: Holding = {
        pumps: [],
        queues: [],
        ready: Promise.resolve(),
        begun: false,
        stopped: false,
        halted: false,
        lost: false,
      }
      all.push(holding)
      this.#held.set(partition, holding)
      holding.ready = this.#start(partition, holding, positions).catch((error: unknown) => {
        this.#halt(partition, holding, error)
      })
    }
  }

  /** Gives them up: what is under way is waited for, its positions are noted. */
  async revoke(partitions: readonly number[]): Promise<void> {
    await Promise.all(partitions.map((partition) => this.#revoke(partition)))
  }

  /** They are somebody else's already: nothing that settles from now on counts. */
  async lose(): Promise<void> {
    this.#o.commits.forget()
    for (const holding of this.#held.values()) {
      holding.lost = true
      for (const pump of holding.pumps) pump.fence()
    }
    await this.revoke(this.partitions)
    this.#o.commits.forget()
  }

  async #positions(): Positions {
    const { join, committed } = this.#o
    const lists = await Promise.all(join.topics.map((topic) => committed(topic)))
    return Object.fromEntries(join.topics.map((topic, at) => [topic, lists[at] ?? []]))
  }

  /** Brokers that are away for long are waited for: that is no reason to halt. */
  async #untilReachable<T>(holdings: readonly Holding[], ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const isWanted = holdings.some(({ stopped }) => !stopped)
        if (!isHbError(error, 'log-unreachable') || !isWanted) throw error
      }
    }
  }

  async #start(partition: number, holding: Holding, positions: Positions): Promise<void> {
    const { join, limits, commits } = this.#o
    const { member, topics } = join
    const late = this.#late.get(partition)
    const known = await positions
    await late
    if (holding.stopped) return
    holding.begun = true
    const committed = Object.fromEntries(topics.map((topic) => [topic, known[topic]?.[partition]]))
    const starts = await member.assigned(partition, committed)
    const settled = new Map<string, number>()
    for (const topic of topics) {
      const from = starts[topic]
      if (from === undefined) {
        throw new HbError('log-position-out-of-range', `no start given for ${topic}`)
      }
      const mustLook = from === 'earliest' || from > (committed[topic] ?? 0)
      const ends = mustLook ? await this.#ends(topic, partition, holding) : undefined
      const start = from === 'earliest' ? (ends?.start ?? 0) : from
      if (ends !== undefined && from !== 'earliest' && from <= ends.end) settled.set(topic, from)
      const queue = new FetchQueue({
        topic,
        partition,
        start,
        bytesMax: limits.queueBytesMax,
        commit: (next) => commits.note(topic, partition, next),
      })
      holding.queues.push(queue)
      holding.pumps.push(this.#pump(queue, partition, holding))
    }
    if (holding.stopped) return
    for (const [topic, next] of settled) commits.note(topic, partition, next)
    for (const pump of holding.pumps) pump.start()
    for (const queue of holding.queues) this.#o.fetcher.add(queue)
  }

  async #ends(topic: string, partition: number, holding: Holding): Promise<PartitionEnds> {
    const ends = await this.#untilReachable([holding], () => this.#o.reader.ends(topic))
    const found = ends[partition]
    if (found === undefined) throw new HbError('log-topic-unknown', `${topic}[${partition}]`)
    return found
  }

  #pump(source: FetchQueue, partition: number, holding: Holding): Pump {
    const { join } = this.#o
    const options = {
      source,
      member: join.member,
      inFlight: join.inFlight ?? 2,
      batchRecordsMax: join.batchRecordsMax ?? 500,
      batchBytesMax: join.batchBytesMax ?? 1_048_576,
      onError: (error: unknown) => this.#halt(partition, holding, error),
    }
    return new Pump(options, source.position)
  }

  async #revoke(partition: number): Promise<void> {
    const holding = this.#held.get(partition)
    if (holding === undefined) return
    holding.stopped = true
    for (const queue of holding.queues) this.#o.fetcher.remove(queue)
    for (const pump of holding.pumps) pump.halt()
    const drained = holding.ready.then(() => Promise.all(holding.pumps.map((pump) => pump.stop())))
    if (!holding.begun) return void this.#held.delete(partition)
    await this.#patiently(drained)
    const revoked = this.#o.join.member.revoked(partition)
    const late = Promise.allSettled([drained, revoked]).then(() => {
      if (this.#late.get(partition) === late) this.#late.delete(partition)
    })
    this.#late.set(partition, late)
    await this.#patiently(late)
    for (const pump of holding.pumps) pump.fence()
    this.#held.delete(partition)
  }

  /** Waits for a member, but not for ever: one that hangs must not stop its group. */
  async #patiently(work: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const settled = work.then(
      () => done.abort(),
      () => done.abort(),
    )
    await Promise.race([settled, this.#o.clock.sleep(this.#o.limits.drainTimeoutMs, done.signal)])
  }

  #halt(partition: number, holding: Holding, error: unknown): void {
    for (const queue of holding.queues) this.#o.fetcher.remove(queue)
    for (const pump of holding.pumps) pump.halt()
    if (holding.halted || holding.stopped) return
    holding.halted = true
    if (!isHbError(error, 'log-position-out-of-range')) this.#tellHalted(partition, error)
    else void this.#haltIfOwned(partition, holding, error)
  }

  async #haltIfOwned(partition: number, holding: Holding, error: unknown): Promise<void> {
    const owns = await this.#o.owns(partition).catch(() => true)
    if (owns && !holding.stopped) this.#tellHalted(partition, error)
  }

  #tellHalted(partition: number, error: unknown): void {
    const { member, group } = this.#o.join
    if (member.halted !== undefined) return member.halted(partition, error)
    const text = `group ${group} halted partition ${partition}: ${String(error)}`
    process.emitWarning(text, 'HollowBeamLogWarning')
  }
}
