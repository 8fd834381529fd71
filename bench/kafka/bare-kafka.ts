// The floor of a crank: plain kafkajs on the same broker, three roles, each its own client, handing
// records from ingress to log to outbox to ingress: the same topics, the same bytes, one send a
// partition for what one fetch brought, as the roles do. No codec, no hash, no sandbox, no store.

import type { KafkaMessage } from 'kafkajs'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { PARTITIONS } from '../bench-node.ts'
import type { Append } from '../watched-log.ts'
import type { BareClient, BareRecord } from './bare-client.ts'
import { openBareClient } from './bare-client.ts'
import type { KafkaBench } from './broker.ts'
import { openBenchLog } from './kafka-node.ts'
import type { Hop, Shape, Shapes } from './shapes.ts'

/** Where a message's number stands in its value. */
const BALL_BYTES = 4

export type BareKafka = {
  /** Cranks turned so far: appends to ingress that were acknowledged. */
  readonly turned: () => number
  close(): Promise<void>
}

export type BareKafkaOptions = {
  readonly shapes: Shapes
  readonly balls: number
  readonly told: (append: Append) => void
}

/** Ball i goes between the partitions i and i + 1, as the pairs do. */
export async function openBareKafka(
  bench: KafkaBench,
  { shapes, balls, told }: BareKafkaOptions,
): Promise<BareKafka> {
  const id = bench.freshId()
  const topics = topicNames(id)
  await provision(bench, id)
  const place = { bootstrapServers: bench.bootstrapServers, partitions: PARTITIONS }
  const open = (role: string): Promise<BareClient> => openBareClient(place, `${id}.${role}`)
  const [sequencer, dre, relayer] = await Promise.all(
    ['sequencer', 'dre', 'relayer'].map(open),
  ) as [BareClient, BareClient, BareClient]
  let turned = 0
  let stopped = false
  const append = async (
    client: BareClient,
    hop: Hop,
    partition: number,
    records: readonly BareRecord[],
  ): Promise<void> => {
    const asked = performance.now()
    await client.send(topics[hop], partition, records)
    const durable = performance.now()
    told({ topic: topics[hop], partition, records: records.length, asked, durable })
  }
  await Promise.all([
    sequencer.consume(topics.ingress, (partition, records) =>
      append(sequencer, 'log', partition, records.map((each) => record(shapes.log, ballOf(each)))),
    ),
    dre.consume(topics.log, (partition, records) =>
      append(dre, 'outbox', partition, [run(shapes.outbox, records.map(ballOf))]),
    ),
    relayer.consume(topics.outbox, async (partition, records) => {
      if (stopped) return
      const byTarget = groupByTarget(partition, ballsOf(shapes.outbox, records))
      await Promise.all(
        [...byTarget].map(async ([target, list]) => {
          await append(relayer, 'ingress', target, list.map((ball) => record(shapes.ingress, ball)))
          turned += list.length
        }),
      )
    }),
  ])
  await Promise.all(
    Array.from({ length: balls }, (_, ball) =>
      relayer.send(topics.ingress, ball % PARTITIONS, [record(shapes.ingress, ball)]),
    ),
  )
  return {
    turned: () => turned,
    close: async () => {
      stopped = true
      await Promise.all([sequencer, dre, relayer].map((client) => client.close()))
      await bench.removeTopics(id)
    },
  }
}

/** The topics of a network, with the settings that a node gives them. */
export async function provision(bench: KafkaBench, applicationId: string): Promise<void> {
  const log = await openBenchLog(bench)
  await log.provision(topicSpecs(topicNames(applicationId), PARTITIONS))
  await log.close()
}

export function record(shape: Shape, ball: number): BareRecord {
  return run(shape, [ball])
}

/** One record for many messages: as many bytes as the DRE's runs have. */
export function run({ key, headers, valueBytes }: Shape, balls: readonly number[]): BareRecord {
  const value = Buffer.alloc(valueBytes * balls.length, 1)
  balls.forEach((ball, at) => value.writeUInt32BE(ball, at * valueBytes))
  return { key, value, ...(headers !== undefined && { headers }) }
}

function ballOf({ value }: KafkaMessage): number {
  return value?.readUInt32BE(0) ?? 0
}

function ballsOf({ valueBytes }: Shape, records: readonly KafkaMessage[]): number[] {
  const balls: number[] = []
  for (const { value } of records) {
    if (value === null) continue
    for (let at = 0; at + BALL_BYTES <= value.length; at += valueBytes) {
      balls.push(value.readUInt32BE(at))
    }
  }
  return balls
}

function groupByTarget(partition: number, balls: readonly number[]): Map<number, number[]> {
  const byTarget = new Map<number, number[]>()
  for (const ball of balls) {
    const from = ball % PARTITIONS
    const target = from === partition ? (from + 1) % PARTITIONS : from
    const list = byTarget.get(target)
    if (list === undefined) byTarget.set(target, [ball])
    else list.push(ball)
  }
  return byTarget
}
