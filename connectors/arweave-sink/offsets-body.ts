// The body of a request to alter offsets, held to Kafka Connect's form for sinks.

import { RestError } from './rest-error.ts'

/** Throws a RestError 400 for what Connect refuses. */
export function parseOffsets(body: unknown): void {
  const { offsets } = (body ?? {}) as { offsets?: unknown }
  if (!Array.isArray(offsets) || offsets.length === 0) {
    const text = 'Partitions / offsets need to be provided for an alter offsets request'
    throw new RestError(400, text)
  }
  for (const each of offsets as readonly unknown[]) {
    const { partition, offset } = (each ?? {}) as { partition?: unknown; offset?: unknown }
    checkPartition(partition)
    if (offset !== null && offset !== undefined) checkOffset(offset)
  }
}

function checkPartition(given: unknown): void {
  const { kafka_topic: topic, kafka_partition: partition } = (given ?? {}) as Fields
  if (typeof topic !== 'string' || partition === undefined || partition === null) {
    const keys = "the keys 'kafka_topic' and 'kafka_partition'"
    throw new RestError(400, `The partition for a sink connector offset must contain ${keys}`)
  }
  if (!isWhole(partition)) {
    throw new RestError(400, 'Partition values for sink connectors need to be integers.')
  }
}

function checkOffset(given: unknown): void {
  const { kafka_offset: offset } = given as Fields
  if (offset === undefined) {
    const text = 'The offset for a sink connector should either be null or contain the key'
    throw new RestError(400, `${text} 'kafka_offset'`)
  }
  if (!isWhole(offset)) {
    throw new RestError(400, 'Offset values for sink connectors need to be integers.')
  }
}

type Fields = Readonly<Record<string, unknown>>

/** A text of digits does, as in Connect. */
function isWhole(value: unknown): boolean {
  return ['string', 'number'].includes(typeof value) && /^\d{1,15}$/.test(String(value))
}
