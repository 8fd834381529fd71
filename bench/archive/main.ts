// `npm run bench:archive [-- name…]`: the archive's benchmarks (../runner.ts says what is printed and
// written). Exit code 0 whatever the figures are.

import { atLeast, atMost, runBenches } from '../runner.ts'
import type { Bench } from '../runner.ts'
import { benchBytes } from './bytes.ts'
import type { MadeLog } from './made-log.ts'
import { makeLog } from './made-log.ts'
import { benchMemory } from './memory.ts'
import { benchRestore } from './restore.ts'
import { benchSink } from './sink.ts'

const PER_PARTITION = 20_000
const BACKLOG_PER_PARTITION = 100_000

async function onLog<T>(perPartition: number, use: (made: MadeLog) => Promise<T>): Promise<T> {
  const made = await makeLog(perPartition)
  try {
    return await use(made)
  } finally {
    await made.remove()
  }
}

const BENCHES: readonly Bench[] = [
  { goals: { 'archive.sink.file': atLeast(100_000) }, run: () => onLog(PER_PARTITION, benchSink) },
  {
    goals: { 'archive.sink.memory': atMost(256) },
    run: () => onLog(BACKLOG_PER_PARTITION, benchMemory),
  },
  {
    goals: { 'archive.restore': atLeast(50_000), 'archive.restore.signatures': null },
    run: () => onLog(PER_PARTITION, benchRestore),
  },
  {
    goals: { 'archive.bytes.rsa': atMost(15), 'archive.bytes.ed25519': atMost(15) },
    run: benchBytes,
  },
]

await runBenches({ benches: BENCHES, names: process.argv.slice(2) })
