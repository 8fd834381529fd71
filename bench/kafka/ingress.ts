// Signed messages, from ingress to settled in the log: all of them are in ingress, then a sequencer
// starts, its verifier pool on all cores. Timed from the first batch that it is given to the last
// message settled. Floor: crypto.verify in a loop on as many threads.

import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Log, LogRecord } from '../../src/log/port.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { SequencerService } from '../../src/sequencer/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/index.ts'
import type { Verifier } from '../../src/verifier/index.ts'
import { createVerifierPool } from '../../src/verifier/index.ts'
import { openBareVerify } from '../bare-verify.ts'
import { benchNetwork, PARTITIONS, placed, temporaryDirectory } from '../bench-node.ts'
import type { ProcessorUs } from '../processor.ts'
import { addedUs, perMessage, startProcessorTime } from '../processor.ts'
import type { BenchReport } from '../rows.ts'
import { median, row, spread } from '../rows.ts'
import { signItems } from '../signed-items.ts'
import { watchLog } from '../watched-log.ts'
import type { KafkaBench } from './broker.ts'
import { within } from './deadline.ts'
import { openBenchLog } from './kafka-node.ts'

const BATCH = 500

type Pass = { readonly ms: number; readonly us: ProcessorUs }

/** Row `kafka.ingress.signed.rsa`. */
export async function benchKafkaIngress(bench: KafkaBench): Promise<BenchReport> {
  const network = benchNetwork([])
  const targets = Array.from({ length: PARTITIONS }, (_, p) => placed('target', p).id)
  const items = await signItems('rsa', network.id, targets, bench.plan.items)
  const verifier = createVerifierPool({ threads: availableParallelism() })
  const bare = await openBareVerify(items)
  if (!bench.plan.isQuick) await pass(bench, network, targets, items, verifier)
  const passes: Pass[] = []
  const floors: number[] = []
  for (let round = 0; round < bench.plan.rounds; round++) {
    floors.push(await bare.rate(1))
    passes.push(await pass(bench, network, targets, items, verifier))
  }
  await bare.close()
  await verifier.close()
  const values = passes.map(({ ms }) => (items.length * 1_000) / ms)
  const us = perMessage(addedUs(passes.map((each) => each.us)), items.length * passes.length)
  return {
    rows: [row('kafka.ingress.signed.rsa', 'messages/s', median(values), median(floors))],
    doesNotMeasure:
      'HTTP, and the way into ingress; many wallets (an unknown key costs 25 µs more); evaluation, ' +
      'which shares the cores in a whole node; joining the group',
    observed: [
      `${items.length} items of RSA-4096 to ${PARTITIONS} partitions: ${spread(values)} ` +
        `messages/s; bare verify on ${availableParallelism()} threads: ${spread(floors)}`,
      `processor time a message: ${us}`,
    ],
  }
}

async function pass(
  bench: KafkaBench,
  network: Network,
  targets: readonly string[],
  items: readonly Buffer[],
  verifier: Verifier,
): Promise<Pass> {
  const directory = await temporaryDirectory()
  const log = await openBenchLog(bench)
  const store = await openLmdbStore({ dir: join(directory, 'index'), durable: false })
  const applicationId = bench.freshId()
  const topics = topicNames(applicationId)
  await log.provision(topicSpecs(topics, PARTITIONS))
  await produce(log, topics.ingress, targets, items)
  let settled = 0
  const all = Promise.withResolvers<Pass>()
  const begun: { at?: number; time?: ReturnType<typeof startProcessorTime> } = {}
  const sequencer = new SequencerService({
    network,
    applicationId,
    log: {
      ...watchLog(log, () => undefined),
      join: (options) => {
        const { member } = options
        const records: typeof member.records = (batch) => {
          begun.at ??= performance.now()
          begun.time ??= startProcessorTime()
          return member.records(batch)
        }
        return log.join({ ...options, member: { ...member, records } })
      },
    },
    store,
    verifier,
    clock: systemClock,
    listener: {
      settled: (_, entries) => {
        settled += entries.length
        if (settled < items.length || begun.time === undefined) return
        all.resolve({ ms: performance.now() - (begun.at ?? NaN), us: begun.time.us() })
      },
      refused: (id, error) => {
        throw new Error(`${id} was refused`, { cause: error })
      },
    },
  })
  await sequencer.start()
  const result = await within('all settled', all.promise)
  await sequencer.stop()
  await store.close()
  await log.close()
  await rm(directory, { recursive: true })
  await bench.removeTopics(applicationId)
  return result
}

async function produce(
  log: Log,
  topic: string,
  targets: readonly string[],
  items: readonly Buffer[],
): Promise<void> {
  const codec = new Records()
  await Promise.all(
    targets.map(async (target, partition) => {
      const records = items
        .filter((_, index) => index % targets.length === partition)
        .map((item): LogRecord => {
          return { key: target, value: codec.encodeIngress({ type: 'signed', item }) }
        })
      for (let at = 0; at < records.length; at += BATCH) {
        await log.append(topic, partition, records.slice(at, at + BATCH))
      }
    }),
  )
}
