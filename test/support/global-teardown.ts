// jest's globalTeardown: ends the run's broker, and says how the Kafka tests fared: in the file
// that HB_KAFKA_LINES names (npm test shows it with its count), else on stderr.

import { writeFileSync } from 'node:fs'
import { KAFKA_RUN } from './global-setup.ts'
import type { KafkaRun } from './shared-kafka.ts'

export default async function (): Promise<void> {
  const lines = await (Reflect.get(globalThis, KAFKA_RUN) as KafkaRun).close()
  const text = lines.map((line) => `${line}\n`).join('')
  const file = process.env['HB_KAFKA_LINES']
  if (file === undefined) process.stderr.write(text)
  else writeFileSync(file, text)
}
