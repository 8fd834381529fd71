// The brokers that are measured on: KAFKA_BROKERS, or one on a JVM of this machine.
// Owners: main.ts opens it and closes it.
//
// A broker of our own runs with the heap and the collector of Kafka's own start script, and with the
// compiler whole (tests stop it at its first stage). Like every Kafka broker it does not wait for
// the disk: a record is acknowledged from the page cache.

import { readFileSync } from 'node:fs'
import { topicNames } from '../../src/protocol/topics.ts'
import { startKafkaCluster } from '../../test/support/jvm-kafka.ts'
import { plainKafka } from './bare-client.ts'
import type { Plan } from './plan.ts'

const JVM = [
  ...['-server', '-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent'],
]
/** Of /proc, in which the system counts processor time. */
const TICK_US = 10_000

export type KafkaBench = {
  readonly bootstrapServers: string
  readonly plan: Plan
  readonly description: string
  /** Never used before: topics and groups that begin with it are new. */
  freshId(): string
  removeTopics(applicationId: string): Promise<void>
  /** Processor time of the broker so far, where it is ours and the system tells. */
  brokerUs(): number | undefined
  close(): Promise<void>
}

export async function openKafkaBench(plan: Plan): Promise<KafkaBench> {
  const given = process.env['KAFKA_BROKERS'] ?? ''
  const cluster = given === '' ? await startKafkaCluster({ brokers: 1, jvm: JVM }) : undefined
  const bootstrapServers = cluster?.bootstrapServers ?? given
  const admin = plainKafka(bootstrapServers, 'bench').admin()
  await admin.connect()
  const started = Date.now().toString(36)
  let count = 0
  return {
    bootstrapServers,
    plan,
    description: cluster ? `one broker, Kafka 4.1 on a JVM: ${JVM.join(' ')}` : `KAFKA_BROKERS`,
    freshId: () => `bench-${started}-${++count}`,
    removeTopics: async (applicationId) => {
      const ours = new Set<string>(Object.values(topicNames(applicationId)))
      const topics = (await admin.listTopics()).filter((each) => ours.has(each))
      if (topics.length > 0) await admin.deleteTopics({ topics })
    },
    brokerUs: () => processorUs(cluster?.brokers[0]?.pid),
    close: async () => {
      await admin.disconnect()
      await cluster?.close()
    },
  }
}

function processorUs(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== 'linux') return undefined
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // behind the program's name, which may hold anything: fields 14 and 15 of all
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}
