// Reads of one partition from an offset on, outside any group: what `Log.read` and `Log.ends` are.
//
// Invariants: R1 a read borrows a connection for as long as its request is under way, and never
// waits at the broker: those who wait for a record wait together, in the requests of one fetcher.
// R2 a position that the broker does not have is an error,
// never moved (L6). R3 isolation is read-uncommitted: the log's own chain says what counts.

import type { Clock } from '../../std/clock.ts'
import type { PartitionEnds, ReadOptions, ReadResult } from '../port.ts'
import { BrokerFault, BrokerRefusal, CODE, outOfRange } from './broker-errors.ts'
import type { Cluster } from './cluster.ts'
import { FetchQueue } from './fetch-queue.ts'
import { Fetcher } from './fetcher.ts'
import type { KafkaLogLimits } from './limits.ts'
import { decodeBatches } from './record-batch.ts'
import { fetchRequest, type FetchAnswer } from './requests.ts'

const READ_BYTES = 1_048_576
const EARLIEST = -2
const LATEST = -1

type OffsetsAnswer = {
  readonly responses: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      readonly offset: string
    }[]
  }[]
}

export class Reader {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #limits: KafkaLogLimits
  /** Of all reads that wait. */
  readonly #fetcher: Fetcher
  /** Free connections' names by broker. */
  readonly #free = new Map<number, string[]>()
  readonly #inUse = new Map<number, number>()
  readonly #queues = new Map<number, (() => void)[]>()

  constructor(cluster: Cluster, clock: Clock, limits: KafkaLogLimits) {
    this.#cluster = cluster
    this.#clock = clock
    this.#limits = limits
    this.#fetcher = new Fetcher({ name: 'waiting reads', cluster, clock, limits })
  }

  async read(
    topic: string,
    partition: number,
    from: number,
    options: ReadOptions = {},
  ): Promise<ReadResult> {
    const { to = Infinity, bytesMax = READ_BYTES, waitMs = 0, signal } = options
    if (!Number.isSafeInteger(from) || from < 0) throw outOfRange(topic, partition, from)
    if (from >= to) return { records: [], next: from }
    const request = { topic, partition, from, to, bytesMax }
    const result = await this.#fetch(request)
    const { next } = result
    const isOver = waitMs <= 0 || next >= to || signal?.aborted === true
    if (result.records.length > 0 || isOver) return result
    await this.#wait(topic, partition, next, waitMs, signal)
    this.#cluster.checkOpen()
    return this.#fetch({ ...request, from: next })
  }

  close(): void {
    this.#fetcher.close()
  }

  async ends(topic: string): Promise<readonly PartitionEnds[]> {
    return this.#cluster.retry(`the ends of ${topic}`, async () => {
      const partitions = await this.#cluster.topic(topic)
      const byLeader = new Map<number, number[]>()
      for (const index of partitions.keys()) {
        const leader = await this.#cluster.leader(topic, index)
        if (leader === undefined) return this.#stale(`${topic}[${index}] has no leader`)
        const list = byLeader.get(leader)
        if (list === undefined) byLeader.set(leader, [index])
        else list.push(index)
      }
      const ends: PartitionEnds[] = []
      await Promise.all(
        [...byLeader].map(async ([leader, indexes]) => {
          // the end last: it may grow meanwhile, and the start must not pass it
          const starts = await this.#offsets(leader, topic, indexes, EARLIEST)
          const latest = await this.#offsets(leader, topic, indexes, LATEST)
          for (const index of indexes) {
            const start = starts.get(index) ?? 0
            ends[index] = { start, end: Math.max(start, latest.get(index) ?? 0) }
          }
        }),
      )
      return ends
    })
  }

  /** Until there is a record at or behind the position, the time is over, or the signal aborts. */
  async #wait(
    topic: string,
    partition: number,
    start: number,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const found = new AbortController()
    const wake = (): void => found.abort()
    // what it fetches is only looked at: the read itself keeps to its limits
    const queue = new FetchQueue({ topic, partition, start, bytesMax: 1, commit: wake })
    queue.listen(wake)
    const ends = [this.#cluster.signal, ...(signal === undefined ? [] : [signal])]
    for (const end of ends) end.addEventListener('abort', wake, { once: true })
    this.#fetcher.add(queue)
    await this.#clock.sleep(waitMs, found.signal)
    this.#fetcher.remove(queue)
    for (const end of ends) end.removeEventListener('abort', wake)
  }

  async #fetch(
    request: { topic: string; partition: number; from: number; to: number; bytesMax: number },
  ): Promise<ReadResult> {
    const { topic, partition, from, to, bytesMax } = request
    const answer = await this.#cluster.retry(`reading ${topic}[${partition}]`, async () => {
      const leader = await this.#cluster.leader(topic, partition)
      if (leader === undefined) return this.#stale(`${topic}[${partition}] has no leader`)
      const got = await this.#ask(leader, { topic, partition, offset: from, bytesMax })
      if (got.code === CODE.none) return got
      if (got.code === CODE.offsetOutOfRange) throw outOfRange(topic, partition, from, got)
      return this.#stale(`${topic}[${partition}]`, got.code)
    })
    const { records, next } = decodeBatches(answer.batches, from, to)
    return { records, next: Math.max(from, next ?? from) }
  }

  async #ask(
    leader: number,
    part: { topic: string; partition: number; offset: number; bytesMax: number },
  ): Promise<FetchAnswer> {
    const name = await this.#borrow(leader)
    try {
      const connection = await this.#cluster.connection(leader, name)
      // a first record larger than the limit is given all the same
      const topicId = this.#cluster.topicId(part.topic) ?? ''
      const parts = [{ ...part, topicId, epoch: -1 }]
      const request = fetchRequest(parts, { waitMs: 0, bytesMax: part.bytesMax })
      const [answer] = await connection.askOwn(request)
      if (answer === undefined) throw new BrokerFault('an empty answer', { sent: true })
      return answer
    } finally {
      this.#giveBack(leader, name)
    }
  }

  /** Heard anew before it is tried again. */
  async #stale(what: string, code: number = CODE.leaderNotAvailable): Promise<never> {
    await this.#cluster.refresh()
    throw new BrokerRefusal(what, code)
  }

  async #offsets(
    leader: number,
    topic: string,
    indexes: readonly number[],
    timestamp: number,
  ): Promise<Map<number, number>> {
    const connection = await this.#cluster.connection(leader, 'ask')
    const partitions = indexes.map((partition) => ({ partition, timestamp }))
    const answer = await connection.ask<OffsetsAnswer>('ListOffsets', {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ topic, partitions }],
    })
    const found = new Map<number, number>()
    for (const { partitions: rows } of answer.responses) {
      for (const { partition, errorCode, offset } of rows) {
        if (errorCode !== CODE.none) return this.#stale(`the ends of ${topic}`, errorCode)
        found.set(partition, Number(offset))
      }
    }
    return found
  }

  async #borrow(broker: number): Promise<string> {
    const free = this.#free.get(broker)?.pop()
    if (free !== undefined) return free
    const used = this.#inUse.get(broker) ?? 0
    if (used < this.#limits.readConnectionsMax) {
      this.#inUse.set(broker, used + 1)
      return `read ${used}`
    }
    await new Promise<void>((resolve) => {
      const queue = this.#queues.get(broker)
      if (queue === undefined) this.#queues.set(broker, [resolve])
      else queue.push(resolve)
    })
    return this.#borrow(broker)
  }

  #giveBack(broker: number, name: string): void {
    const free = this.#free.get(broker)
    if (free === undefined) this.#free.set(broker, [name])
    else free.push(name)
    this.#queues.get(broker)?.shift()?.()
  }
}
