// What the crash test writes at an offset: the reader can tell every byte from the place alone.

import type { LogRecord } from '../../src/log/port.ts'

export const CRASH_PARTITIONS = 4

export function crashRecord(partition: number, offset: number): LogRecord {
  const length = (offset * 131 + partition) % 900
  const value = Buffer.alloc(length, `${partition}:${offset};`)
  return { key: `key-${offset % 17}`, value, headers: { at: String(offset) } }
}
