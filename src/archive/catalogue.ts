// What an archive holds of a network: its genesis, and by their tags the segments of each
// partition.
//
// Invariant: T1 tags are hints of where to read: nothing is believed before it was read and
// verified (segment-chain.ts).

import { isSameGeneration } from '../protocol/generations.ts'
import type { Genesis, Network } from '../protocol/genesis.ts'
import { openNetwork } from '../protocol/genesis.ts'
import type { Tag } from '../protocol/message.ts'
import type { SegmentRange } from '../protocol/segment.ts'
import { partitionTags, rangeOf } from '../protocol/segment.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { parseJson } from '../std/json-text.ts'
import type { Archive, Found, Upload } from './port.ts'

export type Listed = { readonly found: Found; readonly range: SegmentRange }

export type Listing = {
  /** By their first height, the longest first. */
  readonly segments: readonly Listed[]
  /** What cannot be read as what its place or its tags say. */
  readonly flawed: readonly { readonly found: Found; readonly why: string }[]
  /** Of signers that are not asked for. */
  readonly strangers: readonly Found[]
}

export type Partition = { readonly network: Network; readonly partition: number }

/** `owners`: only what these addresses signed; undefined: whoever did. */
export async function listSegments(
  archive: Archive,
  { network, partition }: Partition,
  owners?: readonly string[],
): Promise<Listing> {
  const { id, genesis } = network
  const tags = partitionTags(id, genesis.generation, partition)
  const segments: Listed[] = []
  const flawed: { found: Found; why: string }[] = []
  const strangers: Found[] = []
  for await (const found of archive.find(tags, owners)) {
    const range = readRange(found)
    if (typeof range === 'string') flawed.push({ found, why: range })
    else if (owners !== undefined && !owners.includes(found.owner)) strangers.push(found)
    else segments.push({ found, range })
  }
  segments.sort((a, b) => a.range.from - b.range.from || b.range.to - a.range.to)
  return { segments, flawed, strangers }
}

function readRange(found: Found): SegmentRange | string {
  if (found.flaw !== undefined) return found.flaw
  try {
    const range = rangeOf(found.tags)
    return range.to < range.from ? `it ends at height ${range.to}` : range
  } catch (error) {
    if (isHbError(error)) return error.message
    throw error
  }
}

/** Networks of which there is a genesis, in no order. */
export async function listNetworks(archive: Archive): Promise<string[]> {
  const ids = new Set<string>()
  for await (const { tags, flaw } of archive.find([{ name: 'HB-Type', value: 'Genesis' }])) {
    const id = tags.find(({ name }) => name === 'HB-Network')?.value
    if (flaw === undefined && id !== undefined) ids.add(id)
  }
  return [...ids]
}

function genesisTags(network: string, generation = 0): Tag[] {
  const tags = [
    { name: 'HB-Type', value: 'Genesis' },
    { name: 'HB-Network', value: network },
  ]
  if (generation > 0) tags.push({ name: 'HB-Generation', value: String(generation) })
  return tags
}

/** The genesis document: without it nobody could restore the rest. */
export function genesisUpload({ id, genesis }: Network): Upload {
  const tags = [
    { name: 'App-Name', value: 'Hollow-BEAM' },
    { name: 'Content-Type', value: 'application/json' },
    ...genesisTags(id, genesis.generation),
  ]
  return { tags, data: Buffer.from(JSON.stringify(genesis)) }
}

/** True where there is a genesis of the network, in its generation, that was written as one. */
export async function hasGenesis(archive: Archive, { id, genesis }: Network): Promise<boolean> {
  for await (const found of archive.find(genesisTags(id, genesis.generation))) {
    if (found.flaw === undefined) return true
  }
  return false
}

/**
 * The network of this id, in the latest generation of which there is a document. Its first one is
 * anybody's to write: its hash is the id; of later ones only those count that `owners` signed.
 * Throws `archive-absent`, `archive-generation-doubled`, or what is wrong with the last of those
 * that are no genesis of it, or what may mend by itself.
 */
export async function archivedNetwork(
  archive: Archive,
  id: string,
  owners?: readonly string[],
): Promise<Network> {
  let wrong = new HbError('archive-absent', `${archive.describe()} has no genesis of ${id}`)
  let latest: { readonly network: Network; readonly place: string } | undefined
  for await (const found of archive.find(genesisTags(id))) {
    if (found.flaw !== undefined) continue
    const network = await genesisIn(archive, found, id)
    if (isHbError(network)) {
      wrong = network
      continue
    }
    const { generations } = network.genesis
    if (generations !== undefined && owners?.includes(found.owner) === false) continue
    const { place } = found
    const ahead = network.genesis.generation - (latest?.network.genesis.generation ?? -1)
    if (ahead === 0 && latest !== undefined && !isSameGeneration(latest.network, network)) {
      throw new HbError('archive-generation-doubled', `${latest.place} and ${place}`)
    }
    if (ahead > 0) latest = { network, place }
  }
  if (latest !== undefined) return latest.network
  throw wrong
}

async function genesisIn(archive: Archive, found: Found, id: string): Promise<Network | HbError> {
  try {
    const { data } = await archive.read(found.id)
    const network = openNetwork(parseJson(data.toString()) as Genesis)
    if (network.id === id) return network
    return new HbError('archive-segment-foreign', `${found.place} is really ${network.id}`)
  } catch (error) {
    // an archive that does not answer says nothing of what it holds
    if (isHbError(error) && error.kind === 'transient') throw error
    const text = error instanceof Error ? error.message : String(error)
    return new HbError('archive-item-altered', `${found.place}: ${text}`, { cause: error })
  }
}
