// What tests do to a cluster behind the log's back, by kafkajs' public admin client.

import kafkajs from 'kafkajs'
import type { Admin } from 'kafkajs'

export async function withAdmin<T>(
  bootstrapServers: string,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const brokers = bootstrapServers.split(',')
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}
