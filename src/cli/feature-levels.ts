// On which feature level each partition is, from the state of the process that keeps it, and which
// levels the nodes have. Pure: commands/features.ts asks and prints.

import type { FeaturesState } from '../protocol/features.ts'
import type { NodeAnswer } from './network-status.ts'

export type PartitionFeatures = {
  readonly partition: number
  /** What the next entry is evaluated on. */
  readonly level: number
  /** What was asked for, and the height from which it holds. */
  readonly pending?: { readonly level: number; readonly fromHeight: number }
  readonly nextHeight: number
  readonly operators: readonly string[]
}

export function partitionFeatures(
  partition: number,
  state: FeaturesState,
  nextHeight: number,
): PartitionFeatures {
  const { level, pending, intervalLength, operators } = state
  const all = { partition, nextHeight, operators }
  if (pending === null) return { ...all, level }
  const fromHeight = (Math.floor(pending.height / intervalLength) + 1) * intervalLength
  // the process itself sees that the interval is over only when the next message comes
  if (nextHeight >= fromHeight) return { ...all, level: pending.level }
  return { ...all, level, pending: { level: pending.level, fromHeight } }
}

/** What an upgrade to the level has to do in a partition; a text says why it cannot be done. */
export function upgradeOf(
  { level, pending, partition }: PartitionFeatures,
  to: number,
): 'done' | 'pending' | 'ask' | { readonly refused: string } {
  if (level >= to) return 'done'
  if (pending?.level === to) return 'pending'
  if (to === level + 1) return 'ask'
  return { refused: `partition ${partition} is on level ${level}: raise it to ${level + 1} first` }
}

/** Nodes that evaluate, and would halt on the level, or could not be asked. */
export function lacking(nodes: readonly NodeAnswer[], level: number): string[] {
  return nodes.flatMap((node) => {
    if ('error' in node) return [`${node.address} does not answer (${node.error})`]
    const { roles, featureLevels = [] } = node.health
    if (!roles.includes('dre') || featureLevels.includes(level)) return []
    return [`${node.address} has ${featureLevels.join(', ') || 'none'}`]
  })
}
