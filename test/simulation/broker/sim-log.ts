// The log port as one host sees it: every call goes out to the brokers and comes back, each way
// takes its time, and what may go wrong on it does, as faults.ts draws it.
//
// Invariants: S1 a call of a dead host has no answer. S2 what was sent takes effect even where the
// host that sent it is dead by then. S3 `close` ends what waits, and nothing goes out after it.

import type {
  JoinOptions,
  Log,
  LogRecord,
  Membership,
  ReadOptions,
  ReadResult,
} from '../../../src/log/port.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import { HbError } from '../../../src/std/errors.ts'
import type { Host } from '../world/host.ts'
import { MS } from '../world/world.ts'
import type { World } from '../world/world.ts'
import type { Cluster, Partition, Slice } from './cluster.ts'
import type { Faults } from './faults.ts'
import { SimMembership } from './membership.ts'

const READ_BYTES = 1_048_576
const LOG_TOPIC = topicNames('hb').log

const TRIED_AGAIN_US = 500_000
/** Until then nobody reads what was appended, and a new leader does not have it. */
const REPLICATION_US = 300

const cutOff = (): Error => new HbError('log-append-unclear', 'cut off')

export type Answer<T> = { value(value: T): void; error(error: unknown): void }

export class SimLog implements Log {
  readonly cluster: Cluster
  readonly host: Host
  readonly faults: Faults
  readonly #world: World
  readonly #closing = new AbortController()
  readonly #memberships = new Set<SimMembership>()

  constructor(cluster: Cluster, host: Host, faults: Faults) {
    this.cluster = cluster
    this.host = host
    this.faults = faults
    this.#world = cluster.world
  }

  /**
   * A call: `serve` runs at the brokers when it has arrived there; the promise settles when the
   * answer is back. Where the host is cut off, `whenCut` is the error in the end; without it the
   * call is made, or its answer awaited, again and again, until the way is free.
   */
  call<T>(serve: (answer: Answer<T>) => void, whenCut?: () => Error): Promise<T> {
    return this.host.gauges.during('calls', this.#exchange(serve, whenCut))
  }

  #exchange<T>(serve: (answer: Answer<T>) => void, whenCut?: () => Error): Promise<T> {
    if (this.#closing.signal.aborted) return Promise.reject(new HbError('log-closed'))
    const { host } = this
    return new Promise((resolve, reject) => {
      const giveUp = (why: () => Error): void => {
        this.#world.after(this.faults.unclearAfter(), () => host.resume(() => reject(why())))
      }
      const back = (run: () => void): void => {
        const delay = this.#wayUs() + this.faults.slowness()
        this.#world.after(delay, () => {
          if (!host.isCut) return host.resume(run)
          if (whenCut !== undefined) return giveUp(whenCut)
          this.#world.after(this.#untilTriedAgain(), () => back(run))
        })
      }
      const answer: Answer<T> = {
        value: (value) => back(() => resolve(value)),
        error: (error) => back(() => reject(error)),
      }
      const arrive = (): void => {
        if (host.isCut) {
          if (whenCut !== undefined) return giveUp(whenCut)
          this.#world.after(this.#untilTriedAgain() + this.#wayUs(), arrive)
          return
        }
        try {
          serve(answer)
        } catch (error) {
          answer.error(error)
        }
      }
      host.calling(() => this.#world.after(this.#wayUs(), arrive))
    })
  }

  async provision(topics: Parameters<Log['provision']>[0]): Promise<void> {
    await this.call<undefined>((answer) => {
      this.cluster.provision(topics)
      answer.value(undefined)
    })
  }

  async append(topic: string, index: number, records: readonly LogRecord[]): Promise<number> {
    this.#checkOpen()
    if (topic !== LOG_TOPIC) return this.#append(topic, index, records)
    const { conduct } = this.cluster
    const isClaim = records[0]?.headers?.['hb-kind'] === 'claim'
    conduct.appends(this.host.name, index)
    try {
      const base = await this.#append(topic, index, records)
      // of a claim it does not matter where it landed: it is read
      if (base < 0 && !isClaim) conduct.unclear(this.host.name, index)
      return base
    } catch (error) {
      conduct.unclear(this.host.name, index)
      throw error
    }
  }

  #append(topic: string, index: number, records: readonly LogRecord[]): Promise<number> {
    const { cluster, faults } = this
    const partition = cluster.partition(topic, index)
    cluster.checkBatch(partition.topic, records)
    // as an adapter encodes it at once
    const batch = records.map((record) => ({
      ...record,
      value: record.value === null ? null : Buffer.from(record.value),
    }))
    const written = this.call<number>((answer) => {
      if (this.#isDown(partition)) {
        // some of what waits for a leader is given up on, some was never taken
        const refused = this.#world.random('faults').below(2) === 0
        return answer.error(new HbError(refused ? 'log-append-refused' : 'log-append-unclear'))
      }
      const fault = faults.append()
      const write = (): number => this.#write(partition, batch, fault.kind)
      const unclear = (): void => {
        const failed = new HbError('log-append-unclear', 'simulated')
        this.#world.after(faults.unclearAfter(), () => answer.error(failed))
      }
      switch (fault.kind) {
        case 'none': {
          const { epoch } = partition
          partition.onAppend?.()
          this.#world.after(REPLICATION_US, () => {
            if (partition.epoch === epoch) return answer.value(write())
            this.#world.saw('a tail that was not replicated is lost')
            unclear()
          })
          return
        }
        case 'refused':
          return answer.error(new HbError('log-append-refused', 'simulated'))
        case 'lost':
          return unclear()
        case 'unacknowledged':
          write()
          return unclear()
        case 'no-offset':
          write()
          return answer.value(-1)
        case 'late':
          unclear()
          this.#world.after(fault.delayUs, write)
          return
        case 'twice': {
          const first = write()
          if (!fault.answerSecond) answer.value(first)
          this.#world.after(fault.delayUs, () => {
            const second = write()
            if (fault.answerSecond) answer.value(second)
          })
        }
      }
    }, cutOff)
    return this.host.gauges.during(`${topic} ${index}`, written)
  }

  async read(
    topic: string,
    index: number,
    from: number,
    options: ReadOptions = {},
  ): Promise<ReadResult> {
    this.#checkOpen()
    const partition = this.cluster.partition(topic, index)
    const { to = Infinity, bytesMax = READ_BYTES, waitMs = 0, signal } = options
    const bounds = { to, bytesMax, recordsMax: Infinity }
    if (signal?.aborted === true) return { records: [], next: from }
    const slice = this.#until(signal, { records: [], next: from }, (isOver) =>
      this.#exchange<Slice>((answer) => {
        const deadline = this.#world.now + waitMs * MS
        this.waitFor(partition, deadline, isOver, () => {
          const slice = this.cluster.slice(partition, from, bounds)
          const isDone = slice.records.length > 0 || slice.next >= to
          return isDone || this.#world.now >= deadline ? () => answer.value(slice) : undefined
        }, answer.error)
      }),
    )
    return this.host.gauges.during('calls', slice)
  }

  async ends(name: string) {
    this.#checkOpen()
    const topic = this.cluster.topic(name)
    return this.call<{ start: number; end: number }[]>((answer) => {
      const ends = this.cluster.ends(topic).map(({ start, end }) => {
        return { start, end: Math.max(start, end - this.faults.staleBy()) }
      })
      answer.value(ends)
    })
  }

  async trim(topic: string, index: number, before: number): Promise<void> {
    this.#checkOpen()
    const partition = this.cluster.partition(topic, index)
    await this.call<undefined>((answer) => {
      const { start, records } = partition
      this.cluster.trim(partition, before)
      if (partition.start > start) {
        this.cluster.conduct.trimmed(topic, index, partition.start, records.length)
      }
      this.#world.trace(`${this.host.name} trims ${topic}[${index}] to ${before}`)
      answer.value(undefined)
    })
  }

  async join(options: JoinOptions): Promise<Membership> {
    const membership = new SimMembership(this, options)
    await membership.join()
    this.#memberships.add(membership)
    return membership
  }

  async committed(group: string, topic: string): Promise<readonly (number | undefined)[]> {
    this.#checkOpen()
    const { partitions } = this.cluster.topic(topic)
    return this.call<(number | undefined)[]>((answer) => {
      const coordinator = this.cluster.group(group)
      answer.value(partitions.map(({ index }) => coordinator.committed(topic, index)))
    })
  }

  async members(group: string) {
    this.#checkOpen()
    return this.call<ReturnType<ReturnType<Cluster['group']>['members']>>((answer) => {
      answer.value(this.cluster.group(group).members())
    })
  }

  describe(): string {
    return 'simulated brokers'
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
    this.#closing.abort()
  }

  /**
   * At the brokers: `attempt` is made now and whenever the partition has more, until it gives what
   * is to be answered, or its time is over.
   */
  waitFor(
    partition: Partition,
    deadline: number,
    isOver: () => boolean,
    attempt: () => (() => void) | undefined,
    failed: (error: unknown) => void,
  ): void {
    const { waiters } = partition
    const look = (): void => {
      if (isOver()) return end()
      if (this.#isDown(partition)) return
      try {
        const respond = attempt()
        if (respond === undefined) return
        end()
        respond()
      } catch (error) {
        end()
        failed(error)
      }
    }
    const end = (): void => {
      waiters.delete(look)
      late.cancelled = true
    }
    waiters.add(look)
    const late = this.#world.after(Math.max(deadline, partition.downUntil) - this.#world.now, look)
    look()
  }

  /** Ends early with `instead` at the signal, and with `log-closed` at the log's end. */
  async #until<T>(
    signal: AbortSignal | undefined,
    instead: T,
    run: (isOver: () => boolean) => Promise<T>,
  ): Promise<T> {
    let isOver = false
    const ended = new Promise<T>((resolve, reject) => {
      const abort = (): void => {
        isOver = true
        this.host.resume(() => resolve(instead))
      }
      const close = (): void => {
        isOver = true
        this.host.resume(() => reject(new HbError('log-closed')))
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#closing.signal.addEventListener('abort', close, { once: true })
      const forget = (): void => {
        signal?.removeEventListener('abort', abort)
        this.#closing.signal.removeEventListener('abort', close)
      }
      run(() => isOver).then(
        (value) => (forget(), resolve(value)),
        (error: unknown) => (forget(), reject(error)),
      )
    })
    return ended
  }

  #write(partition: Partition, records: readonly LogRecord[], how: string): number {
    const { name } = partition.topic.spec
    if (!this.host.isAlive) this.#world.saw('an append of a dead host is written')
    else if (this.host.isFrozen) this.#world.saw('an append of a frozen host is written')
    const base = this.cluster.append(partition, records, this.host.name)
    const what = `${name}[${partition.index}] ${base}+${records.length}`
    this.#world.trace(`${this.host.name} appends ${what} ${how}`)
    return base
  }

  /** The way may be free before its time: when everything is healed. */
  #untilTriedAgain(): number {
    return Math.min(this.host.cutUntil - this.#world.now, TRIED_AGAIN_US)
  }

  #isDown(partition: Partition): boolean {
    return partition.downUntil > this.#world.now
  }

  #wayUs(): number {
    const random = this.#world.random('network')
    // mostly quick, now and then not
    return random.below(100) === 0 ? 2 * MS + random.below(30 * MS) : 150 + random.below(500)
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new HbError('log-closed')
  }
}
