// The Kafka log: the same topics and groups on a real cluster. See README.md beside this.

import { systemClock, type Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { Log } from '../port.ts'
import { Cluster } from './cluster.ts'
import type { BrokerPlace, Security } from './connection.ts'
import { KafkaLog } from './kafka-log.ts'
import { KAFKA_LOG_LIMITS, type KafkaLogLimits } from './limits.ts'
import type { Throttled } from './mute.ts'

export type KafkaOptions = {
  /** "host:9092,host:9093": where to ask first. */
  readonly bootstrapServers: string
  readonly clientId?: string
  readonly clock?: Clock
  readonly security?: Security
  readonly limits?: Partial<KafkaLogLimits>
  /** Told in words of what the cluster cannot survive. */
  readonly onWarning?: (text: string) => void
  /** Told of every wait that a broker's quota asks for. */
  readonly onThrottled?: (told: Throttled) => void
}

/** Resolves when a broker has answered. Errors: `log-unreachable`, `bootstrap-servers-invalid`. */
export async function openKafkaLog(options: KafkaOptions): Promise<Log> {
  const { clock = systemClock, clientId = 'hb', security = {} } = options
  const limits = { ...KAFKA_LOG_LIMITS, ...options.limits }
  const { connectTimeoutMs, requestTimeoutMs } = limits
  const seeds = placesOf(options.bootstrapServers)
  const { onThrottled } = options
  const timeouts = { connectTimeoutMs, requestTimeoutMs }
  const told = onThrottled === undefined ? {} : { onThrottled }
  const connection = { ...security, ...timeouts, ...told, clock, clientId }
  const cluster = new Cluster({ seeds, connection, clock, limits })
  try {
    await cluster.retry(`the brokers ${options.bootstrapServers}`, () => cluster.refresh())
  } catch (error) {
    await cluster.close()
    throw error
  }
  return new KafkaLog({
    cluster,
    clock,
    limits,
    warn: options.onWarning ?? ((text) => process.emitWarning(text, 'HollowBeamLogWarning')),
    description: `Kafka cluster at ${options.bootstrapServers}`,
  })
}

function placesOf(list: string): BrokerPlace[] {
  const places = list
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each): BrokerPlace => {
      const found = /^(?:[A-Z_]+:\/\/)?(\[[0-9a-fA-F:]+\]|[^:\s[\]]+):(\d{1,5})$/.exec(each)
      const port = Number(found?.[2])
      if (found === null || port < 1 || port > 65_535) {
        throw new HbError('bootstrap-servers-invalid', each)
      }
      return { host: (found[1] as string).replace(/^\[|\]$/g, ''), port }
    })
  if (places.length === 0) throw new HbError('bootstrap-servers-invalid', 'an empty list')
  return places
}

export { connectionOf, parseClientProperties } from './client-properties.ts'
export type { ClientProperties } from './client-properties.ts'
export { isRegistryUrl } from './schema-registry-properties.ts'
export { KAFKA_LOG_LIMITS } from './limits.ts'
export type { KafkaLogLimits } from './limits.ts'
export type { Security } from './connection.ts'
export type { Throttled } from './mute.ts'
