// A member of a group, on its host: it does what the coordinator last told it, delivers what it
// owns through the pumps that every adapter uses, and notes what commits.ts commits.
//
// Owners: sim-log.ts. Invariants: M1 calls of one partition do not overlap. M2 a partition is let
// go of when `revoked` has resolved and what it settled is committed. M3 whoever was expelled notes
// nothing more, gives everything up and joins anew.

import type { JoinOptions, Membership } from '../../../src/log/port.ts'
import { Pump } from '../../../src/log/pump.ts'
import { HbError, isHbError } from '../../../src/std/errors.ts'
import { Commits } from './commits.ts'
import type { Told } from './coordinator.ts'
import { FetchedSource } from './fetched-source.ts'
import type { SimLog } from './sim-log.ts'

/** The group that owns the partitions of the log. */
const SEQUENCERS = 'hb.sequencer'

type Holding = {
  pumps: Pump[]
  sources: FetchedSource[]
  /** Settles when `assigned` did. */
  ready: Promise<void>
  /** Settles when it is given up. */
  going: Promise<void> | undefined
  halted: boolean
  fenced: boolean
}

export class SimMembership implements Membership {
  readonly #log: SimLog
  readonly #o: JoinOptions
  readonly #holdings = new Map<number, Holding>()
  readonly #commits: Commits
  #memberId = ''
  /** Expelled under this id. */
  #lost = ''
  #generation = 0
  #version = 0
  #standbys: readonly number[] = []
  #left = false
  #isJoining = false
  #toldEarly: Told | undefined

  constructor(log: SimLog, options: JoinOptions) {
    this.#log = log
    this.#o = options
    this.#commits = new Commits(log, {
      group: options.group,
      id: () => this.#memberId,
      holds: (partition) => !this.#left && this.#holdings.has(partition),
    })
  }

  get memberId(): string {
    return this.#memberId
  }

  generation(): number {
    return this.#generation
  }

  async join(): Promise<void> {
    const { group, topics, address, standbys = 0, member } = this.#o
    const { host, cluster } = this.#log
    this.#isJoining = true
    this.#memberId = await this.#log.call<string>((answer) => {
      const holds = member.holds?.() ?? new Map<number, number>()
      const tell = (told: Told): void => this.#told(told)
      const joining = { host, topics, address, standbys, holds, tell }
      answer.value(cluster.group(group).join(joining))
    })
    this.#isJoining = false
    void this.#beat(this.#memberId)
    const told = this.#toldEarly
    this.#toldEarly = undefined
    if (told !== undefined) this.#told(told)
  }

  async owns(partition: number): Promise<boolean> {
    const id = this.#memberId
    const owns = await this.#log.call<boolean>((answer) => {
      answer.value(this.#coordinator.owns(id, partition))
    })
    // it was expelled, and hears of it in this way: what fails from now on is no halt
    if (!owns) void this.#expelled(id)
    else this.#confirmed(partition)
    return owns
  }

  async leave(): Promise<void> {
    if (this.#left) return
    this.#left = true
    await Promise.all([...this.#holdings.keys()].map((each) => this.#giveUp(each, false)))
    this.#keepWarm([])
    await this.#commits.flush()
    const id = this.#memberId
    await this.#log.call<undefined>((answer) => {
      this.#coordinator.leave(id)
      answer.value(undefined)
    })
  }

  get #coordinator() {
    return this.#log.cluster.group(this.#o.group)
  }

  #told(told: Told): void {
    const { version, generation, owned, standbys } = told
    if (this.#left || version <= this.#version) return
    // the coordinator may be heard before the answer to the join
    if (this.#isJoining) return void (this.#toldEarly = told)
    this.#version = version
    this.#generation = generation
    // a copy is let go before its partition is owned
    this.#keepWarm(this.#standbys.filter((each) => standbys.includes(each)))
    for (const partition of owned) if (!this.#holdings.has(partition)) this.#take(partition)
    for (const [partition, { going }] of this.#holdings) {
      if (going === undefined && !owned.includes(partition)) void this.#letGo(partition)
    }
    this.#keepWarm(standbys.filter((each) => !this.#holdings.has(each)))
  }

  #keepWarm(partitions: readonly number[]): void {
    if (partitions.join() === this.#standbys.join()) return
    this.#standbys = partitions
    this.#o.member.standby?.(partitions)
  }

  #confirmed(partition: number): void {
    const { cluster, host } = this.#log
    if (this.#o.group === SEQUENCERS) cluster.conduct.confirmed(host.name, partition)
  }

  #take(partition: number): void {
    this.#confirmed(partition)
    const idle = Promise.resolve()
    const began = { ready: idle, going: undefined, halted: false, fenced: false }
    const holding: Holding = { pumps: [], sources: [], ...began }
    this.#holdings.set(partition, holding)
    holding.ready = this.#start(partition, holding).catch((error: unknown) => {
      this.#halt(partition, holding, error)
    })
  }

  async #start(partition: number, holding: Holding): Promise<void> {
    const { group, topics, member, inFlight = 2 } = this.#o
    const { batchRecordsMax = 500, batchBytesMax = 1_048_576 } = this.#o
    const committed: Record<string, number | undefined> = {}
    for (const topic of topics) {
      committed[topic] = (await this.#log.committed(group, topic))[partition]
    }
    if (holding.going !== undefined) return
    const starts = await member.assigned(partition, committed)
    const ends = await Promise.all(topics.map((topic) => this.#log.ends(topic)))
    if (holding.going !== undefined) return
    topics.forEach((topic, at) => {
      const from = starts[topic]
      if (from === undefined) throw new HbError('log-position-out-of-range', `no start of ${topic}`)
      const position = from === 'earliest' ? (ends[at]?.[partition]?.start ?? 0) : from
      const note = (next: number): void => {
        const { conduct } = this.#log.cluster
        if (holding.fenced) conduct.notedFenced(this.#memberId, topic, partition)
        else this.#commits.note(topic, partition, next)
      }
      const source = new FetchedSource(this.#log, topic, partition, note)
      const isAhead = from !== 'earliest' && from > (committed[topic] ?? 0)
      if (isAhead && from <= (ends[at]?.[partition]?.end ?? 0)) note(from)
      const onError = (error: unknown): void => this.#halt(partition, holding, error)
      const options = { source, member, inFlight, batchRecordsMax, batchBytesMax, onError }
      holding.sources.push(source)
      holding.pumps.push(new Pump(options, position))
    })
    for (const pump of holding.pumps) pump.start()
  }

  async #letGo(partition: number): Promise<void> {
    const id = this.#memberId
    await this.#giveUp(partition, false)
    await this.#commits.flush()
    this.#commits.forget(this.#o.topics, partition)
    if (id !== this.#memberId || this.#left) return
    await this.#log.call<undefined>((answer) => {
      this.#coordinator.released(id, partition)
      answer.value(undefined)
    })
  }

  #giveUp(partition: number, isFenced: boolean): Promise<void> {
    const holding = this.#holdings.get(partition)
    if (holding === undefined) return Promise.resolve()
    if (isFenced) {
      holding.fenced = true
      for (const pump of holding.pumps) pump.fence()
    }
    holding.going ??= this.#end(partition, holding)
    return holding.going
  }

  async #end(partition: number, holding: Holding): Promise<void> {
    for (const source of holding.sources) source.close()
    for (const pump of holding.pumps) pump.halt()
    await holding.ready
    await Promise.all(holding.pumps.map((pump) => pump.stop()))
    await this.#o.member.revoked(partition)
    this.#holdings.delete(partition)
  }

  #halt(partition: number, holding: Holding, error: unknown): void {
    for (const pump of holding.pumps) pump.halt()
    if (holding.halted || holding.going !== undefined) return
    holding.halted = true
    if (!isHbError(error, 'log-position-out-of-range')) this.#tellHalted(partition, error)
    else void this.#haltIfOwned(partition, holding, error)
  }

  /** Where another has had the partition meanwhile, what lay there may well be trimmed. */
  async #haltIfOwned(partition: number, holding: Holding, error: unknown): Promise<void> {
    const owns = await this.owns(partition)
    if (owns && holding.going === undefined) this.#tellHalted(partition, error)
  }

  #tellHalted(partition: number, error: unknown): void {
    this.#log.cluster.world.trace(`${this.#memberId} halts ${partition}: ${String(error)}`)
    this.#o.member.halted?.(partition, error)
  }

  async #beat(id: string): Promise<void> {
    const { host, cluster } = this.#log
    while (!this.#left && id === this.#memberId) {
      await host.clock.sleep(cluster.limits.heartbeatMs)
      if (this.#left) return
      const holds = this.#o.member.holds?.() ?? new Map<number, number>()
      const isMember = await this.#log.call<boolean>((answer) => {
        answer.value(this.#coordinator.heartbeat(id, holds))
      })
      if (!isMember) await this.#expelled(id)
    }
  }

  async #expelled(id: string): Promise<void> {
    if (this.#left || id !== this.#memberId || id === this.#lost) return
    this.#lost = id
    this.#log.cluster.world.saw('a member was expelled')
    this.#commits.forgetAll()
    await Promise.all([...this.#holdings.keys()].map((each) => this.#giveUp(each, true)))
    this.#keepWarm([])
    this.#commits.forgetAll()
    if (!this.#left) await this.join()
  }
}
