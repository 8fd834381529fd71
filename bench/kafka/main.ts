// `npm run bench:kafka [-- name…] [--quick]`: the benchmarks on a broker, its own or KAFKA_BROKERS
// (../runner.ts says what is printed and written). `--quick` shortens all rounds, for a check that
// everything runs. Exit code 0 whatever the figures are.

import { atLeast, ratioAtLeast, ratioAtMost, runBenches } from '../runner.ts'
import type { Bench } from '../runner.ts'
import type { KafkaBench } from './broker.ts'
import { openKafkaBench } from './broker.ts'
import { benchKafkaLatency, benchKafkaThroughput } from './crank.ts'
import { benchKafkaDre } from './dre.ts'
import { benchKafkaIngress } from './ingress.ts'
import type { MadeLog } from './made-log.ts'
import { makeLog } from './made-log.ts'
import { FULL, QUICK } from './plan.ts'
import { benchKafkaRebuild } from './rebuild.ts'

function benchesOn(bench: KafkaBench): readonly Bench[] {
  let made: Promise<MadeLog> | undefined
  const log = (): Promise<MadeLog> => (made ??= makeLog(bench))
  return [
    {
      goals: { 'kafka.crank.p50': ratioAtMost(2), 'kafka.crank.p99': ratioAtMost(3) },
      run: () => benchKafkaLatency(bench),
    },
    {
      goals: { 'kafka.crank.throughput': ratioAtLeast(0.5) },
      run: () => benchKafkaThroughput(bench),
    },
    {
      goals: { 'kafka.dre.throughput': atLeast(20_000) },
      run: async () => benchKafkaDre(bench, await log()),
    },
    {
      goals: { 'kafka.ingress.signed.rsa': ratioAtLeast(0.8) },
      run: () => benchKafkaIngress(bench),
    },
    {
      goals: { 'kafka.rebuild': atLeast(25_000) },
      run: async () => benchKafkaRebuild(bench, await log()),
    },
  ]
}

const given = process.argv.slice(2)
const quick = given.includes('--quick')
const names = given.filter((each) => each !== '--quick')
const bench = await openKafkaBench(quick ? QUICK : FULL)
try {
  console.log(bench.description)
  await runBenches({ benches: benchesOn(bench), names, quick })
} finally {
  await bench.close()
}
