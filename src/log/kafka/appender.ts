// Appends: one batch of one partition each, acks=all, tried once.
//
// What is asked for in one turn goes to a broker in one request, a batch for each partition; the
// broker takes or refuses each by itself. Requests to one broker for one topic follow one another
// on a connection of their own. Invariants: P1 an append is sent at most once: whether it is sent
// again is for the caller to decide (R2). P2 *refused* is said only where nothing can have been
// written: it was not sent, or the broker's answer says so; everything else is *unclear*. P3 after
// anything unclear the connection is closed, so that nothing sent on it can be taken behind what is
// sent next by another way than being late itself. P4 the records are encoded before `append`
// returns: the caller may reuse them. P5 a leader that failed is not asked again before the cluster
// was asked who leads: whoever appends again finds the new leader as soon as there is one.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { LogRecord } from '../port.ts'
import { BrokerFault, CODE, codeText, isDenied } from './broker-errors.ts'
import type { Cluster } from './cluster.ts'
import { LeaderWatch, type Sent } from './leader-watch.ts'
import type { KafkaLogLimits } from './limits.ts'
import { batchBytes, encodeBatch, recordBytes } from './record-batch.ts'
import { produceRequest, type ProduceAnswer } from './requests.ts'

type Waiting = {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
  readonly resolve: (base: number) => void
  readonly reject: (error: unknown) => void
}

/** The answers that say that nothing was written. */
const REFUSED: ReadonlySet<number> = new Set([
  CODE.corruptMessage,
  CODE.messageTooLarge,
  CODE.invalidTopic,
  CODE.recordListTooLarge,
  CODE.notEnoughReplicas,
  CODE.invalidTimestamp,
  CODE.policyViolation,
  CODE.invalidRecord,
])
/** The answers after which the leader is somebody else, or nobody. */
const STALE: ReadonlySet<number> = new Set([
  CODE.unknownTopic,
  CODE.leaderNotAvailable,
  CODE.notLeader,
  CODE.replicaNotAvailable,
  CODE.storageError,
  CODE.fencedLeaderEpoch,
  CODE.unknownLeaderEpoch,
])

export class Appender {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #limits: KafkaLogLimits
  readonly #watch: LeaderWatch
  /** Brokers that failed since the cluster was last asked. */
  readonly #failed = new Set<number>()
  readonly #queues = new Map<string, Waiting[]>()
  readonly #underWay = new Set<Promise<number>>()
  #bytes = 0

  constructor(cluster: Cluster, clock: Clock, limits: KafkaLogLimits) {
    this.#cluster = cluster
    this.#clock = clock
    this.#limits = limits
    this.#watch = new LeaderWatch(cluster, clock, limits.leaderCheckMs)
  }

  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    const batch = this.#encode(records)
    if (this.#bytes + batch.length > this.#limits.pendingBytesMax) {
      const limit = `pendingBytesMax is ${this.#limits.pendingBytesMax}`
      throw new HbError('log-append-refused', `${this.#bytes} bytes are under way, ${limit}`)
    }
    this.#bytes += batch.length
    const done = this.#place(topic, partition, batch).finally(() => {
      this.#bytes -= batch.length
      this.#underWay.delete(done)
    })
    this.#underWay.add(done)
    return done
  }

  /** Resolves when everything under way is answered. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#underWay])
  }

  #encode(records: readonly LogRecord[]): Buffer {
    const { recordBytesMax, batchBytesMax } = this.#limits
    if (records.length === 0) throw new HbError('log-record-invalid', 'an empty batch')
    for (const record of records) {
      const bytes = recordBytes(record)
      if (bytes <= recordBytesMax) continue
      throw new HbError('log-record-too-large', `${bytes} bytes, recordBytesMax ${recordBytesMax}`)
    }
    const bytes = batchBytes(records)
    if (bytes > batchBytesMax) {
      throw new HbError('log-batch-too-large', `${bytes} bytes, batchBytesMax ${batchBytesMax}`)
    }
    return encodeBatch(records, this.#clock.now())
  }

  async #place(topic: string, partition: number, batch: Buffer): Promise<number> {
    const leader = await this.#leader(topic, partition)
    return new Promise((resolve, reject) => {
      const key = `${leader} ${topic}`
      const queue = this.#queues.get(key)
      const waiting = { topic, partition, batch, resolve, reject }
      if (queue !== undefined) return void queue.push(waiting)
      this.#queues.set(key, [waiting])
      // behind what is ready to run: its appends go with this one
      queueMicrotask(() => void this.#flush(leader, key))
    })
  }

  async #leader(topic: string, partition: number): Promise<number> {
    const known = await this.#cluster.leader(topic, partition)
    if (known !== undefined && !this.#failed.has(known)) return known
    try {
      await this.#cluster.refresh()
    } catch (cause) {
      if (cause instanceof HbError) throw cause
      throw new HbError('log-append-refused', (cause as Error).message, { cause })
    }
    const leader = await this.#cluster.leader(topic, partition)
    if (leader === undefined) {
      throw new HbError('log-append-refused', `${topic}[${partition}] has no leader`)
    }
    this.#failed.delete(leader)
    return leader
  }

  async #flush(leader: number, key: string): Promise<void> {
    const waiting = this.#queues.get(key) ?? []
    this.#queues.delete(key)
    // a request holds one batch a partition: what comes second goes behind it
    for (let rest = waiting; rest.length > 0; ) {
      const { now, later } = firstOfEach(rest)
      rest = later
      void this.#send(leader, key, now)
    }
  }

  async #send(leader: number, key: string, waiting: readonly Waiting[]): Promise<void> {
    let sent: Sent | undefined
    try {
      const connection = await this.#cluster.connection(leader, `produce ${key}`)
      sent = { leader, connection, parts: waiting }
      this.#watch.add(sent)
      const request = produceRequest(waiting, this.#limits.requestTimeoutMs)
      const answers = await connection.askOwn(request)
      const { isUnclear, isStale } = this.#settle(waiting, answers)
      if (isUnclear) connection.close()
      if (isStale) this.#failed.add(leader)
    } catch (cause) {
      const mayBeThere = !(cause instanceof BrokerFault) || cause.sent
      const code = mayBeThere ? 'log-append-unclear' : 'log-append-refused'
      this.#failed.add(leader)
      for (const { topic, partition, reject } of waiting) {
        // comes before anything is sent: closed, or not let in
        if (cause instanceof HbError) reject(cause)
        const detail = `${topic}[${partition}]: ${(cause as Error).message}`
        reject(new HbError(code, detail, { cause }))
      }
    } finally {
      if (sent !== undefined) this.#watch.remove(sent)
    }
  }

  #settle(
    waiting: readonly Waiting[],
    answers: readonly ProduceAnswer[],
  ): { isUnclear: boolean; isStale: boolean } {
    let isUnclear = false
    let isStale = false
    for (const { topic, partition, resolve, reject } of waiting) {
      const answer = answers.find((each) => each.topic === topic && each.partition === partition)
      const code = answer?.code ?? -1
      if (answer !== undefined && code === CODE.none) {
        resolve(answer.base)
        continue
      }
      const detail = `${topic}[${partition}]: ${codeText(code)}`
      if (isDenied(code)) reject(new HbError('log-not-authorized', detail))
      else if (code === CODE.messageTooLarge) reject(new HbError('log-batch-too-large', detail))
      else if (code === CODE.invalidRecord) reject(new HbError('log-record-invalid', detail))
      else if (REFUSED.has(code)) reject(new HbError('log-append-refused', detail))
      else {
        isUnclear = true
        reject(new HbError('log-append-unclear', detail))
      }
      isStale ||= STALE.has(code)
    }
    return { isUnclear, isStale }
  }
}

function firstOfEach(waiting: readonly Waiting[]): { now: Waiting[]; later: Waiting[] } {
  const taken = new Set<number>()
  const now: Waiting[] = []
  const later: Waiting[] = []
  for (const each of waiting) {
    if (taken.has(each.partition)) later.push(each)
    else {
      taken.add(each.partition)
      now.push(each)
    }
  }
  return { now, later }
}
