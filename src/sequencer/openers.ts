// What a sequencer orders of itself: the genesis processes that open a partition, and the first
// entry of a generation behind the cut that it begins at.
//
// Invariant: O1 what comes next is a function of the network and the height: whoever takes a
// partition over goes on where another one died.

import type { View } from '../protocol/accept.ts'
import {
  beginningAt,
  begunUpTo,
  currentBeginning,
  generationMessage,
} from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { genesisSpawn } from '../protocol/genesis.ts'
import { equalBytes } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Candidate } from './core.ts'

/** Those that come next, of one kind; none: the partition is open. */
export function openersBehind(network: Network, partition: number, height: number): Candidate[] {
  const { genesis } = network
  const beginning = beginningAt(genesis, partition, height + 1)
  if (beginning !== undefined) {
    const message = generationMessage(network, partition, beginning)
    return [candidate(message, beginning.name)]
  }
  const spawns = network.spawns[partition] ?? []
  const spawned = height + 1 - begunUpTo(genesis, partition, height)
  return spawns.slice(spawned).map((each) => candidate(genesisSpawn(network, each), each.name))
}

function candidate(message: Candidate['message'], name: string): Candidate {
  return { message, wire: { type: 'genesis', name }, source: undefined, unclear: false }
}

/** Behind the cut of its generation a log is whole, or nothing may be ordered in it. */
export function checkCut({ genesis }: Network, { partition, height, hash }: View): void {
  const beginning = currentBeginning(genesis, partition)
  if (beginning === undefined) return
  const cut = beginning.start.heights[partition] ?? -1
  if (height > cut || (height === cut && equalBytes(hash, beginning.prev))) return
  const where = `partition ${partition} of the log ends at height ${height}`
  const of = `generation ${beginning.generation} begins behind height ${cut}`
  const other = height === cut ? ', and not with the entry that was cut at' : ''
  throw new HbError('generation-cut-missing', `${where}, ${of}${other}`)
}
