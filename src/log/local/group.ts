// One consumer group of a local log: who owns which partition, and the change-over from one owner
// to the next.
// Owners: local-log.ts keeps one Group per group name.
//
// Invariants: G1 rebalances run one after another. G2 a partition is assigned only after `revoked`
// of its former owner resolved, or the drain time ran out and that owner is fenced (nothing it
// settles later is noted, `owns` is false).
// G3 per partition, `assigned`, `records` and `revoked` calls of one member do not overlap: after
// G2's time-out, what comes back is assigned only when all that was under way has ended.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { GroupMember, JoinOptions, Member, Membership } from '../port.ts'
import { assignPartitions } from '../assignment.ts'
import { Pump } from '../pump.ts'
import type { PartitionState, Storage, TopicState } from './storage.ts'
import { checkPosition, storedSource } from './stored-source.ts'

export type GroupOptions = {
  readonly name: string
  readonly topics: readonly TopicState[]
  readonly storage: Storage
  readonly clock: Clock
  readonly drainTimeoutMs: number
  /** Generations of this OS process begin here: it grows with every opening of the log. */
  readonly generationBase: number
}

type Slot = {
  readonly id: string
  readonly options: JoinOptions
  readonly holds: Map<number, Holding>
  /** What is still under way of partitions that were given up (G3). */
  readonly late: Map<number, Promise<unknown>>
  standbys: readonly number[]
  leaving: boolean
}

/** `ready` settles (never rejects) when `assigned` did. */
type Holding = { pumps: Pump[]; ready: Promise<void>; stopped: boolean; halted: boolean }

export class Group {
  readonly #options: GroupOptions
  readonly #slots = new Map<string, Slot>()
  #owners: (string | undefined)[]
  #generation: number
  #joined = 0
  #queue: Promise<void> = Promise.resolve()

  constructor(options: GroupOptions) {
    this.#options = options
    this.#generation = options.generationBase
    this.#owners = new Array<undefined>(options.topics[0]?.spec.partitions ?? 0).fill(undefined)
  }

  get empty(): boolean {
    return this.#slots.size === 0
  }

  get generation(): number {
    return this.#generation
  }

  /**
   * The first `assigned` comes after the caller has the membership. Errors: `log-group-mismatch`.
   */
  join(options: JoinOptions): Membership {
    this.#checkTopics(options)
    const id = `${this.#options.name}-${this.#options.generationBase}-${++this.#joined}`
    const slot: Slot = {
      id,
      options,
      holds: new Map(),
      late: new Map(),
      standbys: [],
      leaving: false,
    }
    this.#slots.set(id, slot)
    setImmediate(() => void this.#rebalance())
    return {
      memberId: id,
      generation: () => this.#generation,
      owns: (partition) => Promise.resolve(this.#owners[partition] === id),
      leave: () => this.#leave([slot]),
    }
  }

  members(): GroupMember[] {
    return [...this.#slots.values()].map(({ id, options, standbys }) => ({
      memberId: id,
      address: options.address,
      partitions: [...this.#owners.keys()].filter((index) => this.#owners[index] === id),
      standbys,
    }))
  }

  /** Takes every partition away and gives it to nobody. */
  async close(): Promise<void> {
    await this.#leave([...this.#slots.values()])
  }

  async #leave(slots: readonly Slot[]): Promise<void> {
    for (const slot of slots) slot.leaving = true
    await this.#rebalance()
    await this.#options.storage.flush()
  }

  #checkTopics(options: JoinOptions): void {
    const wanted = [...options.topics].sort().join(' ')
    const had = this.#options.topics
      .map((topic) => topic.spec.name)
      .sort()
      .join(' ')
    if (wanted !== had) {
      throw new HbError('log-group-mismatch', `${options.group} reads ${had}, not ${wanted}`)
    }
  }

  #rebalance(): Promise<void> {
    this.#queue = this.#queue.then(() => this.#rebalanceNow())
    return this.#queue
  }

  async #rebalanceNow(): Promise<void> {
    const staying = [...this.#slots.values()].filter((slot) => !slot.leaving)
    const target: (string | undefined)[] = this.#owners.map(() => undefined)
    if (staying.length > 0) this.#assignment(staying).forEach((id, index) => (target[index] = id))
    this.#generation++
    const moved = [...target.keys()].filter((index) => this.#owners[index] !== target[index])
    await Promise.all(moved.map((index) => this.#revoke(index)))
    for (const slot of [...this.#slots.values()]) if (slot.leaving) this.#slots.delete(slot.id)
    for (const index of moved) {
      const slot = this.#slots.get(target[index] ?? '')
      if (slot !== undefined) this.#assign(slot, index)
    }
  }

  /** One machine, one store: a move costs little, so nobody waits until the next owner is warm. */
  #assignment(slots: readonly Slot[]): readonly string[] {
    const members = slots.map(({ id, options }) => ({
      id,
      owned: [...this.#owners.keys()].filter((index) => this.#owners[index] === id),
      holds: options.member.holds?.() ?? new Map<number, number>(),
    }))
    const standbys = Math.max(0, ...slots.map(({ options }) => options.standbys ?? 0))
    const options = { partitions: this.#owners.length, standbys, lagMax: Infinity }
    const assignment = assignPartitions(members, options)
    for (const slot of slots) {
      const list = assignment.standbys.get(slot.id) ?? []
      if (list.join() === slot.standbys.join()) continue
      slot.standbys = list
      slot.options.member.standby?.(list)
    }
    return assignment.owners
  }

  async #revoke(index: number): Promise<void> {
    const slot = this.#slots.get(this.#owners[index] ?? '')
    const holding = slot?.holds.get(index)
    if (slot === undefined || holding === undefined) return
    holding.stopped = true
    const drained = holding.ready.then(() => Promise.all(holding.pumps.map((pump) => pump.stop())))
    for (const pump of holding.pumps) pump.halt()
    await this.#patiently(drained)
    const late = Promise.allSettled([drained, slot.options.member.revoked(index)]).then(() => {
      if (slot.late.get(index) === late) slot.late.delete(index)
    })
    slot.late.set(index, late)
    await this.#patiently(late)
    for (const pump of holding.pumps) pump.fence()
    slot.holds.delete(index)
    this.#owners[index] = undefined
  }

  /** Waits for a member, but not for ever: one that hangs must not stop its group. */
  async #patiently(work: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const settled = work.then(
      () => done.abort(),
      () => done.abort(),
    )
    const { clock, drainTimeoutMs } = this.#options
    await Promise.race([settled, clock.sleep(drainTimeoutMs, done.signal)])
  }

  #assign(slot: Slot, index: number): void {
    this.#owners[index] = slot.id
    const holding: Holding = {
      pumps: [],
      ready: Promise.resolve(),
      stopped: false,
      halted: false,
    }
    slot.holds.set(index, holding)
    holding.ready = this.#start(slot, index, holding).catch((error: unknown) => {
      this.#halt(slot.options.member, index, holding, error)
    })
  }

  async #start(slot: Slot, index: number, holding: Holding): Promise<void> {
    const { storage, name, topics } = this.#options
    const { member } = slot.options
    const committed: Record<string, number | undefined> = {}
    for (const topic of topics) {
      committed[topic.spec.name] = storage.position(name, partitionOf(topic, index))
    }
    await slot.late.get(index)
    const starts = await member.assigned(index, committed)
    const settled = new Map<PartitionState, number>()
    const pumps = topics.map((topic) => {
      const partition = partitionOf(topic, index)
      const from = starts[topic.spec.name]
      if (from === undefined) {
        throw new HbError('log-position-out-of-range', `no start given for ${topic.spec.name}`)
      }
      const position = from === 'earliest' ? partition.start : from
      checkPosition(partition, position)
      const isAhead = from !== 'earliest' && from > (committed[topic.spec.name] ?? 0)
      if (isAhead) settled.set(partition, position)
      const pump = {
        source: storedSource(storage, partition, name),
        member,
        inFlight: slot.options.inFlight ?? 2,
        batchRecordsMax: slot.options.batchRecordsMax ?? 500,
        batchBytesMax: slot.options.batchBytesMax ?? 1_048_576,
        onError: (error: unknown) => this.#halt(member, index, holding, error),
      }
      return new Pump(pump, position)
    })
    if (holding.stopped) return
    holding.pumps = pumps
    for (const [partition, next] of settled) storage.commit(name, partition, next)
    for (const pump of pumps) pump.start()
  }

  #halt(member: Member, index: number, holding: Holding, error: unknown): void {
    for (const pump of holding.pumps) pump.halt()
    if (holding.halted) return
    holding.halted = true
    if (member.halted !== undefined) return member.halted(index, error)
    process.emitWarning(
      `group ${this.#options.name} halted partition ${index}: ${String(error)}`,
      'HollowBeamLogWarning',
    )
  }
}

function partitionOf(topic: TopicState, index: number): PartitionState {
  return topic.partitions[index] as PartitionState
}
