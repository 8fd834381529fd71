// The floor of a crank: records handed from ingress to log to outbox to ingress by three groups on
// the same log adapter, with nothing in between: no codec, no hash, no sandbox, no store.

import { rm } from 'node:fs/promises'
import { openEmbeddedLog } from '../src/log/embedded/index.ts'
import type { Log, LogRecord, StoredRecord } from '../src/log/port.ts'
import { PARTITIONS, temporaryDirectory } from './bench-node.ts'

const TOPICS = ['ingress', 'log', 'outbox'] as const
/** Bytes of what the roles write there for a message of the ping-pong; see bench/README.md. */
const BYTES = { ingress: 237, log: 303, outbox: 330 }
const IN_FLIGHT = { ingress: 2, log: 3, outbox: 2 }

export type BareCrank = {
  /** Cranks turned so far. */
  readonly turned: () => number
  close(): Promise<void>
}

/** Ball i goes between the partitions i and i + 1, as the pairs do. `turn` is called at each. */
export async function openBareCrank(balls: number, turn: () => void): Promise<BareCrank> {
  const directory = await temporaryDirectory()
  const log = await openEmbeddedLog({ dir: directory })
  await log.provision(
    TOPICS.map((name) => ({ name, partitions: PARTITIONS, cleanup: 'log' as const })),
  )
  let turned = 0
  let stopped = false
  const count = (): void => {
    turned += 1
    turn()
  }
  const memberships = [
    await hand(log, 'ingress', (partition, records) => forward(log, 'log', partition, records)),
    await hand(log, 'log', (partition, records) => forward(log, 'outbox', partition, records)),
    await hand(log, 'outbox', async (partition, records) => {
      if (!stopped) await relay(log, partition, records, count)
    }),
  ]
  const served = Array.from({ length: balls }, (_, i) =>
    log.append('ingress', i % PARTITIONS, [record('ingress', String(i))]),
  )
  await Promise.all(served)
  return {
    turned: () => turned,
    close: async () => {
      stopped = true
      for (const each of memberships) await each.leave()
      await log.close()
      await rm(directory, { recursive: true })
    },
  }
}

type Topic = (typeof TOPICS)[number]
type Hand = (partition: number, records: readonly StoredRecord[]) => Promise<void>

function hand(log: Log, topic: Topic, to: Hand) {
  return log.join({
    group: `bare.${topic}`,
    topics: [topic],
    inFlight: IN_FLIGHT[topic],
    member: {
      assigned: () => Promise.resolve({ [topic]: 'earliest' }),
      records: ({ partition, records }) => to(partition, records),
      revoked: () => Promise.resolve(),
      halted: (partition, error) => {
        throw new Error(`${topic} ${partition}`, { cause: error })
      },
    },
  })
}

async function forward(
  log: Log,
  topic: Topic,
  partition: number,
  records: readonly StoredRecord[],
): Promise<void> {
  const next = records.map(({ key }) => record(topic, key as string))
  await log.append(topic, partition, next)
}

async function relay(
  log: Log,
  partition: number,
  records: readonly StoredRecord[],
  count: () => void,
): Promise<void> {
  const byTarget = new Map<number, LogRecord[]>()
  for (const { key } of records) {
    const from = Number(key) % PARTITIONS
    const target = from === partition ? (from + 1) % PARTITIONS : from
    const list = byTarget.get(target)
    const next = record('ingress', key as string)
    if (list === undefined) byTarget.set(target, [next])
    else list.push(next)
  }
  await Promise.all(
    [...byTarget].map(async ([target, list]) => {
      await log.append('ingress', target, list)
      for (let i = 0; i < list.length; i++) count()
    }),
  )
}

function record(topic: Topic, key: string): LogRecord {
  return { key, value: Buffer.alloc(BYTES[topic], 1) }
}
