// Plain kafkajs at its best, for the floors: its 1 ms timer quiet, its sockets without delay, one
// client a role, nothing retried, positions committed beside the work and not after each batch.
// Owners: whoever opens a client closes it.

import net from 'node:net'
import kafkajs from 'kafkajs'
import type { Consumer, Kafka, KafkaMessage, Message, Producer } from 'kafkajs'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

/** As the node's (`commitDelayMs`). */
const COMMIT_MS = 250
const MAX_WAIT_MS = 100
const KEEP_ALIVE_MS = 60_000

export type Place = { readonly bootstrapServers: string; readonly partitions: number }
export type BareRecord = Omit<Message, 'partition'>

export type BareClient = {
  /** One request: records of one partition. */
  send(topic: string, partition: number, records: readonly BareRecord[]): Promise<void>
  /** From the beginning. Resolves with the moment at which the group had its partitions. */
  consume(
    topic: string,
    handle: (partition: number, records: readonly KafkaMessage[]) => Promise<void>,
  ): Promise<number>
  close(): Promise<void>
}

export async function openBareClient(place: Place, name: string): Promise<BareClient> {
  const kafka = plainKafka(place.bootstrapServers, name)
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    retry: { retries: 0 },
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  await producer.connect()
  const consumer = kafka.consumer({
    groupId: name,
    maxWaitTimeInMs: MAX_WAIT_MS,
    allowAutoTopicCreation: false,
  })
  let consuming: Committing | undefined
  return {
    send: (topic, partition, records) => send(producer, topic, partition, records),
    consume: async (topic, handle) => {
      const started = await consume(consumer, { topic, partitions: place.partitions, handle })
      consuming = started.committing
      return started.joinedAt
    },
    close: async () => {
      if (consuming !== undefined) {
        clearInterval(consuming.timer)
        await consuming.under
        await consumer.disconnect()
      }
      await producer.disconnect()
    },
  }
}

async function send(
  producer: Producer,
  topic: string,
  partition: number,
  records: readonly BareRecord[],
): Promise<void> {
  const messages = records.map((record) => ({ ...record, partition }))
  await producer.send({ topic, acks: -1, messages })
}

type Consuming = {
  readonly topic: string
  readonly partitions: number
  readonly handle: (partition: number, records: readonly KafkaMessage[]) => Promise<void>
}
type Committing = { readonly timer: NodeJS.Timeout; under: Promise<void> }

async function consume(
  consumer: Consumer,
  { topic, partitions, handle }: Consuming,
): Promise<{ committing: Committing; joinedAt: number }> {
  const handled = new Map<number, string>()
  const joined = new Promise<number>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve(performance.now()))
  })
  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => {
    // an error here would be the consumer's: a floor that fell measures nothing
    queueMicrotask(() => {
      throw new Error(`the floor's consumer of ${topic} crashed`, { cause: error })
    })
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: partitions,
    eachBatch: async ({ batch, resolveOffset }) => {
      await handle(batch.partition, batch.messages)
      resolveOffset(batch.lastOffset())
      handled.set(batch.partition, String(Number(batch.lastOffset()) + 1))
    },
  })
  const joinedAt = await joined
  const commit = async (): Promise<void> => {
    if (handled.size === 0) return
    const offsets = [...handled].map(([partition, offset]) => ({ topic, partition, offset }))
    handled.clear()
    // positions decide nothing here: one that is not committed costs nothing
    await consumer.commitOffsets(offsets).catch(() => undefined)
  }
  const committing: Committing = {
    timer: setInterval(() => {
      committing.under = committing.under.then(commit)
    }, COMMIT_MS),
    under: Promise.resolve(),
  }
  return { committing, joinedAt }
}

export function plainKafka(bootstrapServers: string, clientId: string): Kafka {
  quietenTimer()
  return new kafkajs.Kafka({
    brokers: bootstrapServers.split(','),
    clientId,
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) =>
      net.connect({ host, port }, onConnect).setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true),
  })
}

/** As the adapter does for its own connections: a timer only while something waits. */
function quietenTimer(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length === 0) return
    setTimeout(() => this.checkPendingRequests(), Math.max(1, this.throttledUntil - Date.now()))
  }
}
