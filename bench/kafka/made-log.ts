// A log that a node has written, to be read by what is measured; copied for those who need fresh
// topics (nothing in it depends on its offsets).
// Owners: main.ts makes it once a run; its topics stay until `remove`.

import type { Log } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { PARTITIONS, pingPongNetwork, serve } from '../bench-node.ts'
import type { KafkaBench } from './broker.ts'
import { until } from './deadline.ts'
import { openBenchLog, openKafkaNode } from './kafka-node.ts'

/** More than in the crank's rounds: the log should be there soon. */
const BALLS_MORE = 2
/** Bytes of values that are read, and so appended, at once. */
const COPIED_BYTES = 500_000

export type MadeLog = {
  readonly network: Network
  readonly applicationId: string
  readonly processes: number
  /** Accepted entries of all partitions. */
  readonly entries: number
  /** Records, claims included. */
  readonly records: number
}

export async function makeLog(bench: KafkaBench): Promise<MadeLog> {
  const { pairs, balls, entries } = bench.plan
  const { network, first } = await pingPongNetwork(pairs)
  const applicationId = bench.freshId()
  const node = await openKafkaNode(bench, { network, applicationId })
  for (let i = 0; i < balls * BALLS_MORE; i++) await serve(node, network, first)
  await until('the log is made', () => (node.dre?.figures.entries ?? 0) >= 1.05 * entries)
  await node.close()
  const log = await openBenchLog(bench)
  const counts = await count(log, topicNames(applicationId).log)
  await log.close()
  return { network, applicationId, processes: 2 * pairs, ...counts }
}

/** Into topics of its own: the log alone, as after a restore from an archive. */
export async function copyLog(log: Log, from: string, to: string): Promise<void> {
  const source = topicNames(from).log
  const target = topicNames(to)
  await log.provision(topicSpecs(target, PARTITIONS))
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      for (let at = 0; ;) {
        const read = await log.read(source, partition, at, { bytesMax: COPIED_BYTES })
        if (read.records.length === 0) return
        const records = read.records.map(({ key, value, headers }) => {
          return { key, value, ...(headers !== undefined && { headers }) }
        })
        await log.append(target.log, partition, records)
        at = read.next
      }
    }),
  )
}

async function count(log: Log, topic: string): Promise<{ entries: number; records: number }> {
  let entries = 0
  let records = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let height = -1
    for (let at = 0; ;) {
      const read = await log.read(topic, partition, at)
      if (read.records.length === 0) break
      records += read.records.length
      for (const { headers } of read.records) {
        height = Math.max(height, Number(headers?.['hb-height'] ?? -1))
      }
      at = read.next
    }
    entries += height + 1
  }
  return { entries, records }
}
