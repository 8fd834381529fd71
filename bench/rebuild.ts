// Every state again from the log alone: rebuild() of all partitions of a log that a node has
// written, with a fresh evaluator and fresh stores, as the demo's verdict does.

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { rebuild } from '../src/dre/index.ts'
import { openEmbeddedLog } from '../src/log/embedded/index.ts'
import type { Log } from '../src/log/port.ts'
import { openEvaluator } from '../src/node/index.ts'
import type { Network } from '../src/protocol/genesis.ts'
import { createMemoryStore } from '../src/store/memory/index.ts'
import type { BenchNode } from './bench-node.ts'
import { openBenchNode, PARTITIONS, pingPongNetwork, serve } from './bench-node.ts'
import { startProcessorTime } from './processor.ts'
import type { BenchReport } from './rows.ts'
import { median, row, ROUNDS, spread } from './rows.ts'

const PAIRS = 64
/** Many at a time: the log should be there soon. */
const BALLS = 16
const ENTRIES = 50_000

/** Row `embedded.rebuild`. */
export async function benchRebuild(): Promise<BenchReport> {
  const { network, first } = await pingPongNetwork(PAIRS)
  const node = await openBenchNode(network)
  for (let i = 0; i < BALLS; i++) await serve(node, network, first)
  while (node.dre.figures.entries < 1.05 * ENTRIES) await sleep(100)
  await node.stop()
  await node.log.close()
  const values: number[] = []
  const floors: number[] = []
  let entries = 0
  let processor = ''
  for (let round = 0; round < ROUNDS; round++) {
    floors.push(await onFreshLog(node, readAll))
    const time = startProcessorTime()
    const begun = performance.now()
    entries = await onFreshLog(node, (log) => rebuildAll(network, log))
    values.push((entries * 1_000) / (performance.now() - begun))
    processor = time.per(entries)
  }
  await node.close()
  if (entries < ENTRIES) throw new Error(`only ${entries} entries`)
  return {
    rows: [row('embedded.rebuild', 'entries/s', median(values), median(floors))],
    doesNotMeasure:
      'contracts that do more than count; states that do not fit into memory; manifests, which ' +
      'spare most of it. Floor: reading the records, nothing more (page cache warm)',
    observed: [
      `${entries} entries of ${2 * PAIRS} processes, ${PARTITIONS} partitions at once, ` +
        `${availableParallelism()} evaluator threads: ${spread(values)} entries/s; ` +
        `reading alone: ${spread(floors)}`,
      `processor time an entry, last round: ${processor}`,
    ],
  }
}

/** Opened again, so that nothing of it is in the program's memory. */
async function onFreshLog<T>(node: BenchNode, use: (log: Log) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ dir: join(node.directory, 'log') })
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

async function rebuildAll(network: Network, log: Log): Promise<number> {
  const evaluator = await openEvaluator(network, availableParallelism())
  const parts = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const store = createMemoryStore()
      const part = await rebuild({ network, log, partition, evaluator, store })
      await store.close()
      return part.entries
    }),
  )
  await evaluator.close()
  return parts.reduce((sum, count) => sum + count, 0)
}

async function readAll(log: Log): Promise<number> {
  const begun = performance.now()
  let count = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let from = 0; ;) {
      const { records, next } = await log.read('hb.log', partition, from)
      if (records.length === 0) break
      count += records.length
      from = next
    }
  }
  return (count * 1_000) / (performance.now() - begun)
}
