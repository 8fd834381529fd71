// Whether a broker is ready, found out by talking to it as a client.

import kafkajs from 'kafkajs'

const { Kafka, logLevel } = kafkajs

const CONNECT_MS_MAX = 1_000
const REQUEST_MS_MAX = 5_000

/**
 * The broker at `address` serves requests, knows a controller, and sees these brokers
 * (any one, if none are named).
 */
export async function isReady(address: string, ids?: readonly number[]): Promise<boolean> {
  const kafka = new Kafka({
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: CONNECT_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers, controller } = await admin.describeCluster()
    const seen = brokers.map(({ nodeId }) => nodeId)
    const isComplete = ids === undefined || ids.every((id) => seen.includes(id))
    return controller !== null && seen.length > 0 && isComplete
  } catch {
    return false
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
