// Every state again from the log alone: rebuild() of all partitions at once from the topic, with a
// fresh evaluator and fresh stores. Floor: plain kafkajs reading the records.

import { availableParallelism } from 'node:os'
import { rebuild } from '../../src/dre/index.ts'
import { openEvaluator } from '../../src/node/index.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { PARTITIONS } from '../bench-node.ts'
import type { ProcessorUs } from '../processor.ts'
import { addedUs, perMessage, startProcessorTime } from '../processor.ts'
import type { BenchReport } from '../rows.ts'
import { median, row, spread } from '../rows.ts'
import { openBareClient } from './bare-client.ts'
import type { KafkaBench } from './broker.ts'
import { within } from './deadline.ts'
import { openBenchLog } from './kafka-node.ts'
import type { MadeLog } from './made-log.ts'

/** Row `kafka.rebuild`. */
export async function benchKafkaRebuild(bench: KafkaBench, made: MadeLog): Promise<BenchReport> {
  const values: number[] = []
  const floors: number[] = []
  const us: ProcessorUs[] = []
  for (let round = 0; round < bench.plan.rounds; round++) {
    floors.push(await readAll(bench, made))
    const time = startProcessorTime()
    const begun = performance.now()
    const entries = await rebuildAll(bench, made)
    values.push((entries * 1_000) / (performance.now() - begun))
    us.push(time.us())
    if (entries !== made.entries) throw new Error(`${entries} of ${made.entries} entries`)
  }
  return {
    rows: [row('kafka.rebuild', 'entries/s', median(values), median(floors))],
    doesNotMeasure:
      'contracts that do more than count; states that do not fit into memory; manifests, which ' +
      'spare most of it; a broker that must read from its disk',
    observed: [
      `${made.entries} entries of ${made.processes} processes, ${PARTITIONS} partitions at once, ` +
        `${availableParallelism()} evaluator threads: ${spread(values)} entries/s; ` +
        `bare kafkajs, reading alone: ${spread(floors)}`,
      `processor time an entry: ${perMessage(addedUs(us), made.entries * us.length)}`,
    ],
  }
}

async function rebuildAll(bench: KafkaBench, made: MadeLog): Promise<number> {
  const { network, applicationId } = made
  const log = await openBenchLog(bench)
  const evaluator = await openEvaluator(network, availableParallelism())
  const parts = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const store = createMemoryStore()
      const part = await rebuild({ network, log, applicationId, partition, evaluator, store })
      await store.close()
      return part.entries
    }),
  )
  await evaluator.close()
  await log.close()
  return parts.reduce((sum, count) => sum + count, 0)
}

async function readAll(bench: KafkaBench, made: MadeLog): Promise<number> {
  const place = { bootstrapServers: bench.bootstrapServers, partitions: PARTITIONS }
  const client = await openBareClient(place, bench.freshId())
  let read = 0
  const done = Promise.withResolvers<number>()
  const begun = await client.consume(topicNames(made.applicationId).log, (_, records) => {
    read += records.length
    if (read >= made.records) done.resolve(performance.now())
    return Promise.resolve()
  })
  const ms = (await within('all read', done.promise)) - begun
  await client.close()
  return (made.records * 1_000) / ms
}
