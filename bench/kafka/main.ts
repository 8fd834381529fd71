// `npm run bench:kafka [-- name…] [--quick]`: the benchmarks on a broker, its own or KAFKA_BROKERS
// (../runner.ts says what is printed and written). `--quick` shortens all rounds, for a check that
// everything runs. Exit code 0 whatever the figures are.

import { KAFKA_LOG_LIMITS } from '../../src/log/kafka/index.ts'
import { startKafkaCluster } from '../../test/support/jvm-kafka.ts'
import { benchKafkaIdle } from '../kafka-idle.ts'
import type { BenchReport } from '../rows.ts'
import { atLeast, atMost, ratioAtLeast, ratioAtMost, runBenches } from '../runner.ts'
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
import type { Way } from './takeover.ts'
import { benchKafkaTakeover } from './takeover.ts'
import { TakeoverNetwork } from './takeover-network.ts'

/** What several rows need is made once a run, when the first of them does. */
class Shared {
  readonly #bench: KafkaBench
  #log: Promise<MadeLog> | undefined
  #network: Promise<TakeoverNetwork> | undefined

  constructor(bench: KafkaBench) {
    this.#bench = bench
  }

  log(): Promise<MadeLog> {
    return (this.#log ??= makeLog(this.#bench))
  }

  async takeover(way: Way): Promise<BenchReport> {
    this.#network ??= TakeoverNetwork.open(this.#bench)
    return benchKafkaTakeover(this.#bench, await this.#network, way)
  }

  async close(): Promise<void> {
    const [log, network] = await Promise.allSettled([this.#log, this.#network])
    if (network.status === 'fulfilled') await network.value?.close()
    if (log.status === 'fulfilled' && log.value !== undefined) {
      await this.#bench.removeTopics(log.value.applicationId)
    }
  }
}

function benchesOn(bench: KafkaBench, shared: Shared): readonly Bench[] {
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
      run: async () => benchKafkaDre(bench, await shared.log()),
    },
    {
      goals: { 'kafka.ingress.signed.rsa': ratioAtLeast(0.8) },
      run: () => benchKafkaIngress(bench),
    },
    {
      goals: { 'kafka.rebuild': atLeast(25_000) },
      run: async () => benchKafkaRebuild(bench, await shared.log()),
    },
    { goals: { 'kafka.idle.cpu': atMost(2) }, run: idleOnThree },
    { goals: { 'kafka.takeover.term': atMost(2_000) }, run: () => shared.takeover('term') },
    {
      goals: { 'kafka.takeover.kill': atMost(KAFKA_LOG_LIMITS.sessionTimeoutMs + 5_000) },
      run: () => shared.takeover('kill'),
    },
    { goals: { 'kafka.takeover.cold': null }, run: () => shared.takeover('cold') },
  ]
}

/** On three brokers of its own: connections are what idling costs. */
async function idleOnThree(): Promise<BenchReport> {
  const cluster = await startKafkaCluster({ brokers: 3 })
  try {
    return await benchKafkaIdle(cluster.bootstrapServers)
  } finally {
    await cluster.close()
  }
}

const given = process.argv.slice(2)
const quick = given.includes('--quick')
const names = given.filter((each) => each !== '--quick')
const bench = await openKafkaBench(quick ? QUICK : FULL)
const shared = new Shared(bench)
try {
  console.log(bench.description)
  await runBenches({ benches: benchesOn(bench, shared), names, quick })
} finally {
  await shared.close()
  await bench.close()
}
