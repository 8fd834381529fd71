// What commands print of an archive's partitions that were read.

import type { ReadPartition } from '../archive/index.ts'
import type { CommandContext } from './context.ts'
import { tableLines } from './table.ts'
import { paint } from './terminal.ts'

/** A table of what was read of each partition. */
export function partitionLines(
  { terminal }: CommandContext,
  partitions: readonly ReadPartition[],
): string[] {
  const right = { align: 'right' as const }
  const columns = [
    { title: 'partition', ...right },
    { title: 'height', ...right },
    { title: 'segments', ...right },
    { title: 'entries', ...right },
    { title: 'hash' },
  ]
  const rows = partitions.map(({ partition, height, segments, entries, hash }) => {
    return [partition, height, segments, entries, hash]
  })
  return tableLines(columns, rows, paint(terminal.color))
}
