// What a test against Kafka imports. docs/TESTING.md shows how one is written.
//
// Invariants:
//   T1  Where there is no broker, the tests are shown as skipped, and why is said at the end of the
//       run; with HB_REQUIRE_KAFKA=1 they fail. This is the only way out of a test in the house.
//   T2  HB_KAFKA_FROM=docker is for what can run on Docker: tests with brokers of their own are
//       left out then, in plain sight.

import { beforeAll, describe, test } from '@jest/globals'
import { installKafka } from './kafka-install.ts'
import { whyNoJvm } from './java.ts'
import type { KafkaVersion } from './kafka-jvm.ts'
import { chosenBroker, sayAtEnd, sharedKafka } from './shared-kafka.ts'

export { startKafkaCluster } from './jvm-kafka.ts'
export type { KafkaCluster, KafkaClusterOptions, KafkaVersion } from './jvm-kafka.ts'
export { sharedKafka } from './shared-kafka.ts'
export type { SharedKafka } from './shared-kafka.ts'

/** The first start on a machine fetches a broker, or an image. */
const FIRST_START_MS_MAX = 10 * 60_000

/** A suite on the run's shared broker, which is up before the suite's own hooks run. */
export function describeKafka(name: string, suite: () => void): void {
  const choice = chosenBroker()
  if (choice.from === 'none') return leaveOut(name, suite, choice.why)
  describe(name, () => {
    beforeAll(async () => void (await sharedKafka()), FIRST_START_MS_MAX)
    suite()
  })
}

/** A suite that starts clusters of its own, of these versions: on JVMs of this machine only. */
export function describeKafkaCluster(
  name: string,
  suite: () => void,
  versions: readonly KafkaVersion[] = ['4.1'],
): void {
  if (process.env['HB_KAFKA_FROM'] === 'docker') {
    sayAtEnd('Kafka tests with brokers of their own were left out: HB_KAFKA_FROM=docker')
    describe.skip(name, suite)
    return
  }
  const whyNot = whyNoJvm()
  if (whyNot !== undefined) return leaveOut(name, suite, `${whyNot} for brokers of its own`)
  sayAtEnd('Kafka tests with brokers of their own ran on JVMs')
  describe(name, () => {
    beforeAll(async () => {
      for (const version of versions) await installKafka(version)
    }, FIRST_START_MS_MAX)
    suite()
  })
}

function leaveOut(name: string, suite: () => void, why: string): void {
  if (process.env['HB_REQUIRE_KAFKA'] !== '1') {
    sayAtEnd(`Kafka tests skipped: ${why}`)
    describe.skip(name, suite)
    return
  }
  test(`${name} has a broker, as HB_REQUIRE_KAFKA=1 asks`, () => {
    throw new Error(`no broker: ${why}`)
  })
}
