// `npm run bench [-- name…]`: the benchmarks that need no broker (runner.ts says what is printed and
// written). Exit code 0 whatever the figures are: a goal that is missed is shown, not hidden in a
// code.

import { benchCrankLatency, benchCrankThroughput } from './crank.ts'
import { benchHttpIngress } from './http.ts'
import { benchIdleProcesses } from './idle.ts'
import { benchSignedIngress } from './ingress.ts'
import { benchRebuild } from './rebuild.ts'
import { atLeast, atMost, ofRow, ratioAtLeast, ratioAtMost, runBenches } from './runner.ts'
import type { Bench } from './runner.ts'
import { benchSandbox } from './sandbox.ts'
import { benchSmartweave } from './smartweave.ts'
import { benchSpawnByHash } from './spawn.ts'

const BENCHES: readonly Bench[] = [
  {
    goals: {
      'sandbox.transfer.10': atLeast(40_000),
      'sandbox.transfer.1000000': ofRow('sandbox.transfer.10', 0.8),
    },
    run: () => benchSandbox(),
  },
  {
    goals: { 'smartweave.10000': ratioAtLeast(100), 'smartweave.10000.whole-state': null },
    run: () => benchSmartweave(),
  },
  { goals: { 'embedded.crank.throughput': atLeast(10_000) }, run: benchCrankThroughput },
  { goals: { 'embedded.crank.p50': atMost(2) }, run: benchCrankLatency },
  { goals: { 'embedded.ingress.signed.rsa': ratioAtLeast(0.8) }, run: benchSignedIngress('rsa') },
  {
    goals: { 'embedded.ingress.signed.ed25519': ratioAtLeast(0.8) },
    run: benchSignedIngress('ed25519'),
  },
  { goals: { 'embedded.ingress.http': null }, run: benchHttpIngress },
  { goals: { 'embedded.rebuild': atLeast(30_000) }, run: benchRebuild },
  { goals: { 'idle.processes.rss': atMost(50) }, run: benchIdleProcesses },
  { goals: { 'spawn.by-hash': ratioAtMost(0.25) }, run: benchSpawnByHash },
]

await runBenches({ benches: BENCHES, names: process.argv.slice(2) })
