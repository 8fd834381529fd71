// What commands print of an archive's partitions that were read.

import type { CutPartition, ReadPartition } from '../archive/index.ts'
import type { Network } from '../protocol/genesis.ts'
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

/** Where a generation begins, and what was left behind. */
export function cutLines({ genesis }: Network, cut: readonly CutPartition[]): string[] {
  const dropped = cut.map(({ partition, height, dropped: entries }) => {
    return `partition ${partition} goes on behind height ${height}, ${entries} entries are dropped`
  })
  const wallets = `Wallets sign for it with the tag HB-Generation: ${genesis.generation}.`
  return [`Generation ${genesis.generation} begins:`, ...dropped, wallets]
}
