// Signed messages, from bytes at the sequencer to settled in the log: the sequencer alone on the
// durable embedded log, its verifier pool on all cores. Batches are handed to it as its consumer
// group would, as many at a time; what came before, their way into ingress, is not in the figure.

import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { WalletKind } from '../src/client/index.ts'
import { openEmbeddedLog } from '../src/log/embedded/index.ts'
import type { Batch, Member } from '../src/log/port.ts'
import { Records } from '../src/protocol/codec/records.ts'
import type { Network } from '../src/protocol/genesis.ts'
import { topicNames, topicSpecs } from '../src/protocol/topics.ts'
import { SequencerService } from '../src/sequencer/index.ts'
import { systemClock } from '../src/std/clock.ts'
import { openLmdbStore } from '../src/store/lmdb/index.ts'
import type { Verifier } from '../src/verifier/index.ts'
import { createVerifierPool } from '../src/verifier/index.ts'
import { openBareVerify } from './bare-verify.ts'
import { benchNetwork, PARTITIONS, placed, temporaryDirectory } from './bench-node.ts'
import type { BenchReport } from './rows.ts'
import { row, median, ROUNDS, spread } from './rows.ts'
import { signItems } from './signed-items.ts'
import { watchLog } from './watched-log.ts'

const BATCH = 500
const BATCHES = 24
/** Each round orders all items so many times, each time on a new log; enough for a steady state. */
const PASSES = 1

/** Rows `embedded.ingress.signed.rsa` and `.ed25519`. */
export function benchSignedIngress(kind: WalletKind) {
  return async (): Promise<BenchReport> => {
    const network = benchNetwork([])
    // one target a partition, so that a batch of 500 is one append there
    const targets = Array.from({ length: PARTITIONS }, (_, p) => placed('target', p).id)
    const items = await signItems(kind, network.id, targets, BATCH * BATCHES)
    const verifier = createVerifierPool({ threads: availableParallelism() })
    const bare = await openBareVerify(items)
    await pass(network, targets, items, verifier)
    const values: number[] = []
    const floors: number[] = []
    const cpu: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      floors.push(await bare.rate(PASSES))
      const passes: Pass[] = []
      for (let i = 0; i < PASSES; i++) passes.push(await pass(network, targets, items, verifier))
      const ms = passes.reduce((sum, each) => sum + each.ms, 0)
      values.push((PASSES * items.length * 1_000) / ms)
      cpu.push(median(passes.map((each) => each.mainUs)) / items.length)
    }
    await bare.close()
    await verifier.close()
    const name = `embedded.ingress.signed.${kind}`
    return {
      rows: [row(name, 'messages/s', median(values), median(floors))],
      doesNotMeasure:
        'HTTP and ingress; many wallets (an unknown key costs 25 µs more); evaluation, which shares the ' +
        'cores in a whole node',
      observed: [
        `${BATCHES} batches of ${BATCH} over ${PARTITIONS} partitions: ${spread(values)} ` +
          `messages/s; bare verify on ${availableParallelism()} threads: ${spread(floors)}`,
        `main thread ${median(cpu).toFixed(1)} µs of processor time a message; the rest is ` +
          'verifying in the pool and the log’s own thread',
      ],
    }
  }
}

type Pass = { readonly ms: number; readonly mainUs: number }

async function pass(
  network: Network,
  targets: readonly string[],
  items: readonly Buffer[],
  verifier: Verifier,
): Promise<Pass> {
  const directory = await temporaryDirectory()
  const log = await openEmbeddedLog({ dir: join(directory, 'log') })
  const store = await openLmdbStore({ dir: join(directory, 'index'), durable: false })
  const topics = topicNames('hb')
  await log.provision(topicSpecs(topics, PARTITIONS))
  let settled = 0
  let done: () => void = () => undefined
  const all = new Promise<void>((resolve) => (done = resolve))
  const given: { member?: Member } = {}
  const sequencer = new SequencerService({
    network,
    log: {
      ...watchLog(log, () => undefined),
      join: (options) => {
        given.member = options.member
        return log.join(options)
      },
    },
    store,
    verifier,
    clock: systemClock,
    listener: {
      settled: (_, entries) => {
        settled += entries.length
        if (settled >= items.length) done()
      },
      refused: (id, error) => {
        throw new Error(`${id} was refused`, { cause: error })
      },
    },
  })
  await sequencer.start()
  while (targets.some((_, partition) => sequencer.height(partition) === undefined)) {
    await systemClock.sleep(5)
  }
  const batches = recordsOf(items, targets)
  const { member } = given
  if (member === undefined) throw new Error('the sequencer did not join')
  const cpuBefore = process.threadCpuUsage()
  const begun = performance.now()
  // two a partition, as many as the group keeps under way
  const taken = batches.map((batch) => member.records({ topic: topics.ingress, ...batch }))
  await all
  const ms = performance.now() - begun
  const { user, system } = process.threadCpuUsage(cpuBefore)
  await Promise.all(taken)
  await sequencer.stop()
  await store.close()
  await log.close()
  await rm(directory, { recursive: true })
  return { ms, mainUs: user + system }
}

function recordsOf(items: readonly Buffer[], targets: readonly string[]): Omit<Batch, 'topic'>[] {
  const codec = new Records()
  const lists = targets.map((target, partition) =>
    items
      .filter((_, i) => i % targets.length === partition)
      .map((item, offset) => {
        const value = codec.encodeIngress({ type: 'signed', item })
        return { key: target, value, offset, timestamp: systemClock.now() }
      }),
  )
  return lists.flatMap((list, partition) => {
    const count = Math.ceil(list.length / BATCH)
    return Array.from({ length: count }, (_, i) => ({
      partition,
      records: list.slice(i * BATCH, (i + 1) * BATCH),
      next: Math.min((i + 1) * BATCH, list.length),
    }))
  })
}
