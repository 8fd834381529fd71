// Brokers as the fetcher asks them, without sockets: topics with records, leaders that move, answers
// with any code. For what a real broker does too rarely.

import { BrokerFault, CODE } from '../../../src/log/kafka/broker-errors.ts'
import type { Cluster } from '../../../src/log/kafka/cluster.ts'
import type { OwnRequest } from '../../../src/log/kafka/connection.ts'
import { encodeBatch } from '../../../src/log/kafka/record-batch.ts'
import type { FetchAnswer } from '../../../src/log/kafka/requests.ts'
import { sleep } from '../recording-member.ts'

export type FakePartition = {
  leader: number
  start: number
  /** As many bytes in each record's value. */
  bytes: number
  end: number
  epoch: number
  /** Answered instead of records, at once. */
  code: number
  /** Answered instead of batches. */
  garbage?: Buffer
}

const LOOK_AGAIN_MS = 2
const BATCH_RECORDS = 10

export class FakeBrokers {
  readonly topics = new Map<string, FakePartition[]>()
  /** Leaders as metadata names them: as of the last refresh. */
  #known = new Map<string, { leader: number }[]>()
  readonly #stop = new AbortController()
  refreshes = 0
  fetches = 0
  /** Brokers that no connection reaches. */
  readonly down = new Set<number>()

  make(topic: string, partitions: readonly Partial<FakePartition>[]): FakePartition[] {
    const plain = { leader: 1, start: 0, end: 0, bytes: 1, epoch: 0, code: CODE.none }
    const made = partitions.map((changed): FakePartition => ({ ...plain, ...changed }))
    this.topics.set(topic, made)
    this.#look()
    return made
  }

  close(): void {
    this.#stop.abort()
  }

  get cluster(): Cluster {
    const fake = {
      signal: this.#stop.signal,
      partitions: (topic: string) => this.#known.get(topic),
      refresh: async () => {
        this.refreshes += 1
        this.#look()
      },
      connection: async (broker: number) => {
        if (this.down.has(broker)) throw new BrokerFault('nobody there', { sent: false })
        return { askOwn: (own: OwnRequest<FetchAnswer[]>) => this.#answer(own) }
      },
    }
    return fake as unknown as Cluster
  }

  #look(): void {
    this.#known = new Map(
      [...this.topics].map(([topic, all]) => [topic, all.map(({ leader }) => ({ leader }))]),
    )
  }

  async #answer(own: OwnRequest<FetchAnswer[]>): Promise<FetchAnswer[]> {
    this.fetches += 1
    const { waitMs, parts } = readFetch((own.encode() as { buffer: Buffer }).buffer)
    const deadline = performance.now() + waitMs
    for (;;) {
      const answers = parts.map((part) => this.#partAnswer(part))
      const isSome = answers.some(({ code, batches }) => code !== CODE.none || batches.length > 0)
      if (isSome || performance.now() > deadline) return answers
      await sleep(LOOK_AGAIN_MS)
    }
  }

  #partAnswer({ topic, partition, offset }: Part): FetchAnswer {
    const found = this.topics.get(topic)?.[partition]
    const { start = -1, end = -1, code = CODE.unknownTopic } = found ?? {}
    const answer = { topic, partition, highWatermark: end, start, batches: Buffer.alloc(0) }
    if (found === undefined || code !== CODE.none) return { ...answer, code }
    if (offset < start || offset > end) return { ...answer, code: CODE.offsetOutOfRange }
    if (found.garbage !== undefined) return { ...answer, code, batches: found.garbage }
    const count = Math.min(BATCH_RECORDS, end - offset)
    if (count === 0) return { ...answer, code }
    const value = Buffer.alloc(found.bytes)
    const batches = encodeBatch(Array(count).fill({ key: null, value }), 1)
    batches.writeBigInt64BE(BigInt(offset), 0)
    batches.writeInt32BE(found.epoch, 12)
    return { ...answer, code, batches }
  }
}

type Part = { readonly topic: string; readonly partition: number; readonly offset: number }

/** What requests.ts wrote. */
function readFetch(bytes: Buffer): { waitMs: number; parts: Part[] } {
  let at = 25
  const parts = Array.from({ length: bytes.readInt32BE(at) }, (_, index): Part => {
    if (index === 0) at += 4
    const length = bytes.readInt16BE(at)
    const topic = bytes.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length + 4
    const part = { topic, partition: bytes.readInt32BE(at), offset: Number(bytes.readBigInt64BE(at + 8)) }
    at += 28
    return part
  })
  return { waitMs: bytes.readInt32BE(4), parts }
}
