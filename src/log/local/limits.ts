// Limits of the local logs (memory and embedded), their defaults, and the checks that cite them.
// Invariant: whatever breaks a limit is refused before anything is written.

import { HbError } from '../../std/errors.ts'
import type { LogRecord, TopicSpec } from '../port.ts'

export type LogLimits = {
  /** Bytes of key, value and headers of one record: `log-record-too-large`. */
  readonly recordBytesMax: number
  /** Records of one append: `log-batch-too-large`. */
  readonly batchRecordsMax: number
  /** Bytes of one append: `log-batch-too-large`. */
  readonly batchBytesMax: number
  /** Bytes of appends not yet durable, over all partitions: `log-append-refused`. */
  readonly pendingBytesMax: number
  /** Topics of one log: `log-limit-exceeded`. */
  readonly topicsMax: number
  /** Partitions of one topic: `log-limit-exceeded`. */
  readonly partitionsMax: number
  /**
   * Bytes of recent records kept decoded in memory, over all partitions; older ones are read from
   * disk.
   */
  readonly tailBytesMax: number
  /** A group's positions are made durable at the latest this long after they moved, in ms. */
  readonly commitDelayMs: number
  /**
   * A member that gives a partition up is waited for this long, in ms; then it is fenced and
   * revoked.
   */
  readonly drainTimeoutMs: number
  /**
   * A compacted partition is compacted when this share of its records is new since the last time.
   */
  readonly compactionDirtyRatio: number
  /** ... and there are at least so many new ones. */
  readonly compactionRecordsMin: number
  /** Distinct keys that one pass holds in memory; what is beyond waits for the next pass. */
  readonly compactionKeysMax: number
  /** Tombstones are kept this long, so that slow readers see them, in ms. */
  readonly tombstoneDelayMs: number
}

export const LOG_LIMITS: LogLimits = {
  recordBytesMax: 1_048_576,
  batchRecordsMax: 10_000,
  batchBytesMax: 8_388_608,
  pendingBytesMax: 268_435_456,
  topicsMax: 1_000,
  partitionsMax: 1_024,
  tailBytesMax: 67_108_864,
  commitDelayMs: 250,
  drainTimeoutMs: 10_000,
  compactionDirtyRatio: 0.5,
  compactionRecordsMin: 1_000,
  compactionKeysMax: 1_000_000,
  tombstoneDelayMs: 86_400_000,
}

const NAME = /^[A-Za-z0-9._-]{1,249}$/

export function checkName(name: string): void {
  if (!NAME.test(name)) throw new HbError('log-name-invalid', JSON.stringify(name))
}

export function checkSpec(spec: TopicSpec, limits: LogLimits): void {
  checkName(spec.name)
  if (!Number.isInteger(spec.partitions) || spec.partitions < 1) {
    throw new HbError('log-limit-exceeded', `${spec.name}: ${String(spec.partitions)} partitions`)
  }
  if (spec.partitions > limits.partitionsMax) {
    throw new HbError(
      'log-limit-exceeded',
      `${spec.name}: ${spec.partitions} partitions, partitionsMax ${limits.partitionsMax}`,
    )
  }
}

/** Throws where the batch breaks a limit; returns its bytes (keys, values, headers). */
export function checkBatch(
  topic: TopicSpec,
  records: readonly LogRecord[],
  limits: LogLimits,
): number {
  if (records.length === 0) throw new HbError('log-record-invalid', 'an empty batch')
  if (records.length > limits.batchRecordsMax) {
    throw new HbError(
      'log-batch-too-large',
      `${records.length} records, batchRecordsMax ${limits.batchRecordsMax}`,
    )
  }
  const keyed = topic.cleanup === 'compact'
  let total = 0
  for (const record of records) {
    const bytes = recordBytes(record)
    if (bytes > limits.recordBytesMax) {
      throw new HbError(
        'log-record-too-large',
        `${bytes} bytes, recordBytesMax ${limits.recordBytesMax}`,
      )
    }
    if (keyed && record.key === null) {
      throw new HbError('log-record-invalid', `no key, topic ${topic.name} is compacted`)
    }
    total += bytes
  }
  if (total > limits.batchBytesMax) {
    throw new HbError(
      'log-batch-too-large',
      `${total} bytes, batchBytesMax ${limits.batchBytesMax}`,
    )
  }
  return total
}

function recordBytes(record: LogRecord): number {
  let bytes = record.value === null ? 0 : record.value.length
  if (record.key !== null) bytes += Buffer.byteLength(record.key)
  if (record.headers !== undefined) {
    for (const name in record.headers) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '')
    }
  }
  return bytes
}
