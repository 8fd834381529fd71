// The node of idle.ts, an OS process of its own: spawns, lets everything settle, collects garbage,
// and tells its parent its resident memory.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateWallet, spawnFields } from '../src/client/index.ts'
import type { BenchNode } from './bench-node.ts'
import { benchNetwork, contractSource, openBenchNode, placed, serve } from './bench-node.ts'
import type { IdleReport } from './idle.ts'
import { PROCESSES } from './idle.ts'

const BATCH = 500
const LOOKS = 50
const MB = 1_048_576

const source = await contractSource('counter')
const { nonce, id } = placed('counter', 0)
const state = { count: 0 }
const network = benchNetwork([{ name: 'counter', nonce, engine: 'quickjs', source, state }])
const node = await openBenchNode(network)
const wallet = await generateWallet('ed25519')
// one message first, so that everything that a node loads once is there before
await serve(node, network, [id], wallet)
await evaluated(node, 2)
const before = await settledMb()
const anonBefore = anonymousMb()
const begun = performance.now()
let peak = before
const place = { network: network.id, generation: 0 }
for (let sent = 0; sent < PROCESSES; sent += BATCH) {
  const spawn = () => wallet.sign(spawnFields(place, { source, state }))
  const items = Array.from({ length: BATCH }, spawn)
  for (const answer of await node.api.submit(items)) if ('error' in answer) throw answer.error
  await evaluated(node, 2 + sent + BATCH)
  peak = Math.max(peak, rssMb())
}
const spawnMs = performance.now() - begun
const after = await settledMb()
const anonymous = anonymousMb() - anonBefore
const { open, memoryBytes } = node.evaluator.figures()
const heapAfter = process.memoryUsage().heapUsed / MB
const report: IdleReport = {
  before,
  peak,
  after,
  anonymous,
  heapAfter,
  open,
  instanceMb: memoryBytes / MB,
  spawnMs,
}
process.send?.(report)
await node.close()
process.disconnect()

async function evaluated({ dre }: BenchNode, entries: number): Promise<void> {
  while (dre.figures.entries < entries) await sleep(10)
}

/** The least of some looks over some seconds, garbage collected before each. */
async function settledMb(): Promise<number> {
  let least = Infinity
  for (let look = 0; look < LOOKS; look++) {
    await sleep(500)
    globalThis.gc?.()
    least = Math.min(least, rssMb())
  }
  return least
}

function rssMb(): number {
  return process.memoryUsage().rss / MB
}

/** Without the pages of files that are mapped; NaN where /proc does not tell. */
function anonymousMb(): number {
  try {
    const [, kilobytes] = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return Number(kilobytes) / 1_024
  } catch {
    return NaN
  }
}
