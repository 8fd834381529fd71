// What `hb restore` brings back: the network as it was archived, or the generation that it goes on
// in where entries were lost.
//
// Invariant: a target in which a generation was begun goes on in that one, or is left as it is.

import type { Archive, CutPartition, ReadArchiveOptions } from '../archive/index.ts'
import { isSameGeneration, nextGeneration } from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'

export type RestorePlan = {
  readonly network: Network
  /** Of a new generation: where it begins. */
  readonly cut?: readonly CutPartition[]
}

type Checks = Pick<ReadArchiveOptions, 'owners' | 'checkItems' | 'signal'>

/**
 * Of all that the archive has, in the generation that it has. Throws `restore-inconsistent` where
 * nodes that went on from it would lose messages.
 */
export async function planWhole(
  archive: Archive,
  network: Network,
  checks: Checks,
): Promise<RestorePlan> {
  const { consistentCut } = await import('../archive/index.ts')
  const cut = await consistentCut({ ...checks, archive, network })
  const behind = cut.filter(({ dropped }) => dropped > 0)
  if (behind.length === 0) return { network }
  const parts = behind.map(({ partition, height, dropped }) => {
    return `partition ${partition}: ${dropped} entries behind height ${height}`
  })
  throw new HbError('restore-inconsistent', parts.join(', '))
}

/** `kept`: what the target is of already. */
export async function planGeneration(
  archive: Archive,
  archived: Network,
  kept: Network | undefined,
  checks: Checks,
): Promise<RestorePlan> {
  const { consistentCut, startBehind } = await import('../archive/index.ts')
  const cut = await consistentCut({ ...checks, archive, network: archived })
  const begun = kept?.genesis.generations?.at(-1)?.begun ?? systemClock.now()
  const network = nextGeneration(archived, startBehind(cut, begun))
  if (kept !== undefined && !isSameGeneration(kept, network)) {
    const text = `it is of generation ${kept.genesis.generation} of ${kept.id}, cut elsewhere`
    throw new HbError('restore-target-differs', text)
  }
  return { network, cut }
}
