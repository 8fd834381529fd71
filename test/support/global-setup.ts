// jest's globalSetup: finds out which broker this run's Kafka tests can have; starts nothing yet.

import { openKafkaRun } from './shared-kafka.ts'

export const KAFKA_RUN = Symbol.for('hollowbeam.kafka-run')

export default async function (): Promise<void> {
  Reflect.set(globalThis, KAFKA_RUN, await openKafkaRun())
}
