// Fetches for the members of one group: what is assigned is asked of its leaders, many partitions
// in one request. Owners: membership.ts makes one a group and adds and removes queues.
//
// A broker is asked by up to three chains of requests, each on its own connection: while one waits
// at the broker for a record, another fetches what was added or got room again in the meantime.
// Where nothing comes they become one again, which then waits for long.
// Invariants: F1 a queue is part of one request at a time, and a request asks for a partition once:
// for all queues that are at one position of it. F2 a slow member fills its own queue and stalls
// nobody else's. F3 no position is moved but by what was fetched; one that is out of range fails
// its queue (L6), and so does a topic that was made anew (its id is another) and a log that was cut
// back (the broker has other records below the position, or none of that epoch). F4 what has no
// leader is looked for again, never in a tight loop.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { BrokerFault, CODE, codeText, isDenied, outOfRange } from './broker-errors.ts'
import type { Cluster } from './cluster.ts'
import type { FetchQueue } from './fetch-queue.ts'
import { LeaderWatch, type Sent } from './leader-watch.ts'
import type { KafkaLogLimits } from './limits.ts'
import { decodeBatches } from './record-batch.ts'
import { fetchRequest, type FetchAnswer, type FetchPart } from './requests.ts'

export type FetcherOptions = {
  /** Names its connections. */
  readonly name: string
  readonly cluster: Cluster
  readonly clock: Clock
  readonly limits: KafkaLogLimits
}

const CHAINS_MAX = 3
/** A chain waits shortly at first, and while it is not the only one: what is free waits for it. */
const SHORT_WAIT_MS = 10
const SHORT_WAIT_MS_MAX = 250

export class Fetcher {
  readonly #o: FetcherOptions
  readonly #queues = new Set<FetchQueue>()
  /** Chains under way, by broker: which connections they use, and how long they wait there now. */
  readonly #chains = new Map<number, Map<number, number>>()
  readonly #stop = new AbortController()
  readonly #watch: LeaderWatch
  #seeking: Promise<void> | undefined
  #seekDelayMs: number
  #kicked: NodeJS.Immediate | undefined
  #rotation = 0

  constructor(options: FetcherOptions) {
    this.#o = options
    const { cluster, clock, limits } = options
    this.#watch = new LeaderWatch(cluster, clock, limits.fetchWaitMs + limits.leaderCheckMs)
    this.#seekDelayMs = options.limits.retryDelayMs
  }

  add(queue: FetchQueue): void {
    this.#queues.add(queue)
    queue.onRoom = () => this.#kick()
    this.#kick()
  }

  remove(queue: FetchQueue): void {
    queue.onRoom = undefined
    this.#queues.delete(queue)
  }

  close(): void {
    this.#stop.abort()
    clearImmediate(this.#kicked)
    this.#queues.clear()
    const { cluster } = this.#o
    cluster.release(Array.from({ length: CHAINS_MAX }, (_, index) => this.#purpose(index)))
  }

  #purpose(chain: number): string {
    return `fetch ${this.#o.name} ${chain}`
  }

  /** What is added in one turn goes into one request. */
  #kick(): void {
    this.#kicked ??= setImmediate(() => {
      this.#kicked = undefined
      this.#startChains()
    })
  }

  /** Starts a chain wherever something can be fetched that is in none. */
  #startChains(): void {
    if (this.#stop.signal.aborted) return
    const leaders = new Set<number>()
    for (const queue of this.#queues) {
      if (queue.isBusy || !queue.hasRoom) continue
      const leader = this.#leaderOf(queue)
      if (leader !== undefined) leaders.add(leader)
      else {
        queue.isAstray = true
        this.#seek()
      }
    }
    for (const leader of leaders) {
      const chains = this.#chains.get(leader) ?? new Map<number, number>()
      this.#chains.set(leader, chains)
      for (let index = 0; index < CHAINS_MAX; index++) {
        if (chains.has(index)) continue
        chains.set(index, SHORT_WAIT_MS)
        void this.#chain(leader, index, chains)
        break
      }
    }
  }

  #leaderOf({ topic, partition }: FetchQueue): number | undefined {
    const leader = this.#o.cluster.partitions(topic)?.[partition]?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /** One request after another, until there is nothing for it to fetch, or another chain has it. */
  async #chain(broker: number, index: number, chains: Map<number, number>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const queues = this.#readyFor(broker)
      if (queues.length === 0) {
        this.#kick()
        break
      }
      for (const queue of queues) queue.isBusy = true
      const waitMs = chains.get(index) ?? SHORT_WAIT_MS
      const found = await this.#fetch(broker, index, queues, waitMs)
      if (found === 'astray') {
        this.#seek()
        break
      }
      this.#rest()
      this.#follow(broker)
      if (found === 'records') continue
      chains.delete(index)
      // one that comes back soon takes over what this one has fetched
      if ([...chains.values()].some((each) => each <= SHORT_WAIT_MS_MAX)) return
      const most = chains.size === 0 ? this.#o.limits.fetchWaitMs : SHORT_WAIT_MS_MAX
      chains.set(index, Math.min(waitMs * 2, most))
    }
    chains.delete(index)
  }

  /**
   * What another broker leads by now, as somebody else heard: no chain of this broker asks for it
   * any more, and none of the other one's may be under way. What is astray is being sought.
   */
  #follow(broker: number): void {
    for (const queue of this.#queues) {
      if (queue.isBusy || queue.isAstray || !queue.hasRoom) continue
      if (this.#leaderOf(queue) !== broker) return this.#kick()
    }
  }

  /** `astray`: a leader did not answer, or is none. */
  async #fetch(
    broker: number,
    index: number,
    queues: readonly FetchQueue[],
    waitMs: number,
  ): Promise<'records' | 'nothing' | 'astray'> {
    const { cluster, limits } = this.#o
    let sent: Sent | undefined
    try {
      const connection = await cluster.connection(broker, this.#purpose(index))
      sent = { leader: broker, connection, parts: queues }
      this.#watch.add(sent)
      const options = { waitMs, bytesMax: limits.fetchBytesMax }
      const request = fetchRequest(this.#partsOf(queues), options)
      const answers = await connection.askOwn(request, waitMs)
      for (const queue of queues) queue.isBusy = false
      if (this.#take(queues, answers)) return 'astray'
      return answers.some(({ batches }) => batches.length > 0) ? 'records' : 'nothing'
    } catch (error) {
      for (const queue of queues) {
        queue.isBusy = false
        queue.isAstray = true
      }
      if (!(error instanceof BrokerFault)) this.#failAll(queues, error)
      return 'astray'
    } finally {
      if (sent !== undefined) this.#watch.remove(sent)
    }
  }

  #partsOf(queues: readonly FetchQueue[]): FetchPart[] {
    const bytesMax = this.#o.limits.fetchPartitionBytesMax
    const parts = new Map<string, FetchPart>()
    for (const { topic, topicId = '', partition, position: offset, epoch } of queues) {
      parts.set(`${topic} ${partition}`, { topic, topicId, partition, offset, epoch, bytesMax })
    }
    return [...parts.values()]
  }

  #readyFor(broker: number): FetchQueue[] {
    const ready: FetchQueue[] = []
    const asked = new Map<string, FetchQueue>()
    const all = [...this.#queues]
    // a broker fills its answer in the order that it is asked in: nobody is always last
    const from = this.#rotation++ % Math.max(1, all.length)
    for (let at = 0; at < all.length; at++) {
      const queue = all[(from + at) % all.length] as FetchQueue
      const isReady = !queue.isBusy && queue.hasRoom && this.#leaderOf(queue) === broker
      if (!isReady || !this.#isSame(queue)) continue
      const key = `${queue.topic} ${queue.partition}`
      const { position, epoch } = asked.get(key) ?? queue
      // at another position: another chain asks for it
      if (position !== queue.position || epoch !== queue.epoch) this.#kick()
      else {
        asked.set(key, queue)
        ready.push(queue)
      }
    }
    return ready
  }

  /** The topic is the one that the queue began with; else the queue fails. */
  #isSame(queue: FetchQueue): boolean {
    const id = this.#o.cluster.topicId(queue.topic)
    queue.topicId ??= id
    if (queue.topicId === id) return true
    queue.fail(diverged(queue, 'the topic was deleted and made again'))
    return false
  }

  /** True if some answer says that the leader is another one. */
  #take(queues: readonly FetchQueue[], answers: readonly FetchAnswer[]): boolean {
    let isStale = false
    const byPartition = new Map(answers.map((each) => [`${each.topic} ${each.partition}`, each]))
    for (const queue of queues) {
      const answer = byPartition.get(`${queue.topic} ${queue.partition}`)
      if (!this.#queues.has(queue)) continue
      if (answer?.code === CODE.none) this.#push(queue, answer)
      else if (answer?.code === CODE.offsetOutOfRange) {
        queue.fail(outOfRange(queue.topic, queue.partition, queue.position, answer))
      } else if (answer !== undefined && isDenied(answer.code)) {
        const detail = `reading ${queue.topic}: ${codeText(answer.code)}`
        queue.fail(new HbError('log-not-authorized', detail))
      } else {
        isStale = true
        queue.isAstray = true
      }
    }
    return isStale
  }

  /** The pauses of seeking grow for as long as any partition is astray, however well others go. */
  #rest(): void {
    for (const { isAstray, hasRoom } of this.#queues) if (isAstray && hasRoom) return
    this.#seekDelayMs = this.#o.limits.retryDelayMs
  }

  #push(queue: FetchQueue, answer: FetchAnswer): void {
    queue.goneSince = undefined
    queue.isAstray = false
    if (answer.parted !== undefined) {
      return queue.fail(diverged(queue, `the log was cut back to ${answer.parted}`))
    }
    if (answer.batches.length === 0) return
    try {
      const { records, next, epoch } = decodeBatches(answer.batches, queue.position, Infinity)
      if (next === undefined) return
      if (epoch < queue.epoch) {
        return queue.fail(diverged(queue, `epoch ${epoch} after ${queue.epoch}`))
      }
      queue.epoch = epoch
      if (next > queue.position) queue.push(records, next)
    } catch (error) {
      queue.fail(error)
    }
  }

  #failAll(queues: readonly FetchQueue[], error: unknown): void {
    if (this.#stop.signal.aborted) return
    for (const queue of queues) if (this.#queues.has(queue)) queue.fail(error)
  }

  /** Asks who leads now, again and again until every queue has a leader; then fetching goes on. */
  #seek(): void {
    this.#seeking ??= this.#seekLeaders().finally(() => {
      this.#seeking = undefined
      this.#kick()
    })
  }

  async #seekLeaders(): Promise<void> {
    const { cluster, clock, limits } = this.#o
    const { signal } = this.#stop
    while (!signal.aborted) {
      await clock.sleep(this.#seekDelayMs, signal)
      this.#seekDelayMs = Math.min(this.#seekDelayMs * 2, limits.retryDelayMsMax)
      if (cluster.signal.aborted) return
      try {
        await cluster.refresh()
      } catch (error) {
        if (!(error instanceof BrokerFault)) return this.#failAll([...this.#queues], error)
        continue
      }
      this.#failGone()
      const missing = [...this.#queues].some(
        (queue) => queue.hasRoom && this.#leaderOf(queue) === undefined,
      )
      if (!missing) return
      this.#kickThoseWithLeader()
    }
  }

  /** While one partition waits for a leader, the others go on. */
  #kickThoseWithLeader(): void {
    for (const queue of this.#queues) {
      if (!queue.isBusy && queue.hasRoom && this.#leaderOf(queue) !== undefined) return this.#kick()
    }
  }

  #failGone(): void {
    const { cluster, clock, limits } = this.#o
    const now = clock.now()
    for (const queue of this.#queues) {
      if (cluster.partitions(queue.topic)?.[queue.partition] !== undefined) {
        queue.goneSince = undefined
        continue
      }
      queue.goneSince ??= now
      if (now - queue.goneSince < limits.topicGoneMsMax) continue
      const since = `has been gone for ${now - queue.goneSince} ms`
      const text = `${queue.topic}[${queue.partition}] ${since}`
      queue.fail(new HbError('log-topic-unknown', text))
    }
  }
}

function diverged({ topic, partition, position }: FetchQueue, what: string): HbError {
  const data = { topic, partition, position }
  return new HbError('log-diverged', `${topic}[${partition}] at ${position}: ${what}`, { data })
}
