// Child OS process of jvm-kafka.test.ts: starts a cluster, writes its broker's process id, and
// waits to be killed. Arguments: the name and value of one property of the broker, if any.

import { writeSync } from 'node:fs'
import { startKafkaCluster } from './jvm-kafka.ts'

const [name, value = ''] = process.argv.slice(2)
const properties = name === undefined ? {} : { [name]: value }
const { brokers } = await startKafkaCluster({ brokers: 1, properties })
writeSync(1, String(brokers[0]?.pid))
setInterval(() => undefined, 1_000)
