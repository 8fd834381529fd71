// How long cranks stand still when the owner of a partition with very many entries goes away: told
// to stop, killed, or with nobody to take over but a node that starts on an empty disk. Measured by
// the log itself: of each pair that plays in a partition that moved, the longest gap between two of
// its entries.

import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchReport } from '../rows.ts'
import { median, percentile, row, spread } from '../rows.ts'
import type { KafkaBench } from './broker.ts'
import { until } from './deadline.ts'
import type { TakeoverNetwork } from './takeover-network.ts'

export type Way = 'term' | 'kill' | 'cold'

/** What is seen before the owner goes, and of every pair at the end. */
const BEFORE_MS = 1_000
const LEAST_MS = 3_000
const FLOWING_MS = 2_000
const FLOWING_ENTRIES = 5

type Round = { readonly longest: readonly number[]; readonly told: string }

/** Rows `kafka.takeover.term`, `.kill` and `.cold`. */
export async function benchKafkaTakeover(
  bench: KafkaBench,
  network: TakeoverNetwork,
  way: Way,
): Promise<BenchReport> {
  const rounds: Round[] = []
  for (let round = 0; round < bench.plan.takeover.rounds; round++) {
    rounds.push(way === 'cold' ? await cold(network) : await warm(network, way))
  }
  const stalled = rounds.flatMap(({ longest }) => longest)
  return {
    rows: [row(`kafka.takeover.${way}`, 'ms', percentile(stalled, 0.99), null)],
    doesNotMeasure:
      'machines of their own for nodes and broker: all of it shares these cores, and the pairs ' +
      'play as fast as they can; big states; a broker that is lost at the same time',
    observed: [
      `${network.made}; ${bench.plan.takeover.pairs} pairs over all partitions; ` +
        `${stalled.length} stalls in ${rounds.length} rounds: ${spread(stalled)} ms`,
      ...rounds.map(({ longest, told }) => {
        const all = [...longest]
        return `${told}: median ${median(all)} ms, longest ${Math.max(...all)} ms`
      }),
    ],
  }
}

/** Two nodes, each with warm copies of what the other has. */
async function warm(network: TakeoverNetwork, way: 'term' | 'kill'): Promise<Round> {
  for (const slot of [0, 1]) await network.start(slot)
  await network.calm()
  await network.warm()
  const { slot, partitions, told } = await network.owner()
  const pairs = network.pairsIn(partitions)
  network.stalls.forget()
  await sleep(BEFORE_MS)
  const begun = performance.now()
  await network.end(slot, way === 'term' ? 'SIGTERM' : 'SIGKILL')
  const goneMs = Math.round(performance.now() - begun)
  await flowing(network, begun)
  const longest = network.stalls.longest().filter((_, pair) => pairs.has(pair))
  return { longest, told: `moved: ${told}; OS process gone after ${goneMs} ms` }
}

/** One node; when it has stopped, another starts on an empty disk. */
async function cold(network: TakeoverNetwork): Promise<Round> {
  const [one = 0, ...others] = network.running
  for (const slot of others) await network.end(slot, 'SIGTERM')
  await network.start(one)
  await network.calm()
  network.stalls.forget()
  await sleep(BEFORE_MS)
  const begun = performance.now()
  await network.end(one, 'SIGTERM')
  const goneMs = Math.round(performance.now() - begun)
  await network.start(1 - one, { empty: true })
  const readyMs = Math.round(performance.now() - begun)
  await flowing(network, begun)
  const told = `OS process gone after ${goneMs} ms, the next one ready after ${readyMs} ms`
  return { longest: network.stalls.longest(), told }
}

/** Until every pair plays again. */
async function flowing(network: TakeoverNetwork, begun: number): Promise<void> {
  await until('every pair plays again', () => {
    if (performance.now() - begun < LEAST_MS) return false
    return network.stalls.fewestSince(Date.now() - FLOWING_MS) >= FLOWING_ENTRIES
  })
}
