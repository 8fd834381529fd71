// How fast the crank turns: processes on the durable embedded log, all roles in one node.
//
// A crank: ingress → sequencer → log → DRE → outbox → relayer → ingress. Counted where it ends:
// when the relayer's append to ingress is durable.

import { setTimeout as sleep } from 'node:timers/promises'
import type { BareCrank } from './bare-crank.ts'
import { openBareCrank } from './bare-crank.ts'
import type { BenchNode } from './bench-node.ts'
import { openBenchNode, PARTITIONS, pingPongNetwork, serve } from './bench-node.ts'
import { startProcessorTime } from './processor.ts'
import type { BenchReport } from './rows.ts'
import { median, row, ROUNDS, spread } from './rows.ts'
import { gaps, stages } from './stages.ts'
import type { Append } from './watched-log.ts'
import { watchLog } from './watched-log.ts'

const PAIRS = 64
/** Messages under way between the two of a pair: throughput is what a busy network does. */
const BALLS = 8
const WARM_MS = 1_500
const ROUND_MS = 1_500
const CRANKS_A_ROUND = 400

/** Row `embedded.crank.throughput`. */
export async function benchCrankThroughput(): Promise<BenchReport> {
  const { network, first } = await pingPongNetwork(PAIRS)
  const floors = await bareRates(3)
  const sizes = { log: [0, 0], outbox: [0, 0], ingress: [0, 0] }
  const node = await openBenchNode(network, (log) =>
    watchLog(log, ({ topic, records }) => {
      const size = sizes[topic.slice(3) as keyof typeof sizes] as [number, number] | undefined
      if (size === undefined) return
      size[0] += 1
      size[1] += records
    }),
  )
  await serve(node, network, Array.from({ length: BALLS }, () => first).flat())
  await sleep(WARM_MS)
  const busyBefore = performance.eventLoopUtilization()
  const time = startProcessorTime()
  const relayedBefore = node.relayer.figures.relayed
  const rates = await ratesOf(() => node.relayer.figures.relayed, ROUNDS)
  const processor = time.per(node.relayer.figures.relayed - relayedBefore)
  const busy = performance.eventLoopUtilization(busyBefore).utilization
  await node.close()
  floors.push(...(await bareRates(ROUNDS - 3)))
  const perAppend = (topic: keyof typeof sizes): string => {
    const [appends, records] = sizes[topic] as [number, number]
    return `${topic} ${(records / appends).toFixed(1)}`
  }
  return {
    rows: [row('embedded.crank.throughput', 'messages/s', median(rates), median(floors))],
    doesNotMeasure:
      'signatures (after the first serve none is checked), contracts that do more than count, ' +
      'more than one machine',
    observed: [
      `${PAIRS} pairs over ${PARTITIONS} partitions, ${BALLS} balls each: ${spread(rates)} messages/s; ` +
        `bare: ${spread(floors)}`,
      `main thread busy ${(busy * 100).toFixed(0)} %; records per append: ` +
        `${perAppend('ingress')}, ${perAppend('log')}, ${perAppend('outbox')} (runs)`,
      `processor time a crank: ${processor}`,
    ],
  }
}

async function bareRates(rounds: number): Promise<number[]> {
  const bare = await openBareCrank(PAIRS * BALLS, () => undefined)
  await sleep(300)
  const rates = await ratesOf(bare.turned, rounds)
  await bare.close()
  return rates
}

async function ratesOf(count: () => number, rounds: number): Promise<number[]> {
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = count()
    const begun = performance.now()
    await sleep(ROUND_MS)
    rates.push(((count() - before) * 1_000) / (performance.now() - begun))
  }
  return rates
}

/** Row `embedded.crank.p50`. */
export async function benchCrankLatency(): Promise<BenchReport> {
  const { network, first } = await pingPongNetwork(1)
  const appends: Append[] = []
  const hops: Record<string, true> = { 'hb.ingress': true, 'hb.log': true, 'hb.outbox': true }
  const node: BenchNode = await openBenchNode(network, (log) =>
    watchLog(log, (append) => {
      if (hops[append.topic] === true && append.records === 1) appends.push(append)
    }),
  )
  await serve(node, network, first)
  await sleep(WARM_MS)
  const values: number[] = []
  const floors: number[] = []
  const seen: Append[] = []
  for (let round = 0; round < ROUNDS; round++) {
    appends.length = 0
    while (appends.length < 3 * CRANKS_A_ROUND) await sleep(50)
    seen.push(...appends)
    const ends = appends.filter(({ topic }) => topic === 'hb.ingress').map((each) => each.durable)
    values.push(median(gaps(ends)))
  }
  await node.close()
  for (let round = 0; round < ROUNDS; round++) floors.push(await bareLatency())
  return {
    rows: [row('embedded.crank.p50', 'ms', median(values), median(floors))],
    doesNotMeasure: 'anything else going on in the node; a disk slower than this one',
    observed: [
      `rounds: ${spread(values, 3)} ms; bare: ${spread(floors, 3)} ms`,
      `medians: ${stages(seen)}`,
    ],
  }
}

async function bareLatency(): Promise<number> {
  const moments: number[] = []
  const bare: BareCrank = await openBareCrank(1, () => moments.push(performance.now()))
  while (moments.length < 1.5 * CRANKS_A_ROUND) await sleep(50)
  await bare.close()
  return median(gaps(moments.slice(CRANKS_A_ROUND / 2)))
}
