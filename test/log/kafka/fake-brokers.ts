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
  /** Said instead of batches: where the log parted from what the client has read. */
  parted?: number
}

const LOOK_AGAIN_MS = 2
const BATCH_RECORDS = 10

export class FakeBrokers {
  readonly topics = new Map<string, FakePartition[]>()
  /** Leaders as metadata names them: as of the last refresh. */
  #known = new Map<string, { leader: number }[]>()
  readonly #stop = new AbortController()
  /** Counts how often a topic was made. */
  readonly #ids = new Map<string, number>()
  refreshes = 0
  fetches = 0
  /** Brokers that no connection reaches. */
  readonly down = new Set<number>()

  make(topic: string, partitions: readonly Partial<FakePartition>[]): FakePartition[] {
    const plain = { leader: 1, start: 0, end: 0, bytes: 1, epoch: 0, code: CODE.none }
    const made = partitions.map((changed): FakePartition => ({ ...plain, ...changed }))
    this.topics.set(topic, made)
    this.#ids.set(topic, (this.#ids.get(topic) ?? 0) + 1)
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
      release: () => undefined,
      topicId: (topic: string) => this.#idOf(topic),
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

  /** Sixteen bytes as hex: how often it was made, and its name. */
  #idOf(topic: string): string {
    const bytes = Buffer.alloc(16)
    bytes[0] = this.#ids.get(topic) ?? 0
    bytes.write(topic, 1)
    return bytes.toString('hex')
  }

  async #answer(own: OwnRequest<FetchAnswer[]>): Promise<FetchAnswer[]> {
    this.fetches += 1
    const { waitMs, parts } = readFetch((own.encode() as { buffer: Buffer }).buffer)
    const deadline = performance.now() + waitMs
    for (;;) {
      const answers = parts.map((part) => this.#partAnswer(part))
      const isSome = answers.some(
        ({ code, parted, batches }) =>
          code !== CODE.none || parted !== undefined || batches.length > 0,
      )
      if (isSome || performance.now() > deadline) return answers
      await sleep(LOOK_AGAIN_MS)
    }
  }

  #partAnswer({ topicId, partition, offset, epoch }: Part): FetchAnswer {
    const topic = [...this.#ids.keys()].find((each) => this.#idOf(each) === topicId) ?? 'unknown'
    const found = this.topics.get(topic)?.[partition]
    const { start = -1, end = -1, code = CODE.unknownTopicId, parted } = found ?? {}
    const none = { parted: undefined, batches: Buffer.alloc(0) }
    const answer = { topic, partition, highWatermark: end, start, ...none }
    if (parted !== undefined && epoch >= 0) return { ...answer, code, parted }
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

type Part = {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly epoch: number
}

const PARTS_AT = 27
const PART_BYTES = 16 + 1 + 4 + 4 + 8 + 4 + 8 + 4 + 2

/** What requests.ts wrote; of fewer than 127 parts. */
function readFetch(bytes: Buffer): { waitMs: number; parts: Part[] } {
  const parts = Array.from({ length: (bytes[PARTS_AT - 1] ?? 1) - 1 }, (_, index): Part => {
    const at = PARTS_AT + index * PART_BYTES
    return {
      topicId: bytes.toString('hex', at, at + 16),
      partition: bytes.readInt32BE(at + 17),
      offset: Number(bytes.readBigInt64BE(at + 25)),
      epoch: bytes.readInt32BE(at + 33),
    }
  })
  return { waitMs: bytes.readInt32BE(5), parts }
}
