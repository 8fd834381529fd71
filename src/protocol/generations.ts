// Generations (R2): where acknowledged entries were lost, a network goes on from a cut that is
// consistent over its partitions, under the next generation. Its genesis document names the cuts;
// the network's id is that of its first generation.
//
// Invariants: N1 of which generation a height is, is a function of the document alone. N2 the first
// entry of a generation is the one that the document prescribes, behind the very entry that it
// names: no other record extends the chain there, so that nothing of a lost tail does. N3 of
// heights that two cuts claim, the later one's rule holds.

import { fromBase64Url } from '../std/bytes.ts'
import { hashParts } from '../std/hash-parts.ts'
import type { Genesis, GenerationStart, Network } from './genesis.ts'
import { canonicalJson, genesisProcessId, grindNonce, openNetwork } from './genesis.ts'
import type { Message } from './message.ts'

/** What a generation begins behind, in one partition. */
export type Beginning = {
  readonly generation: number
  /** Of its first entry, on the wire: no genesis process can be called so. */
  readonly name: string
  readonly start: GenerationStart
  /** Hash of the entry that it begins behind. */
  readonly prev: Uint8Array
}

/** Consecutive heights of one generation, both inclusive; `network`: as it was in that one. */
export type Stretch = {
  readonly network: Network
  readonly from: number
  readonly to: number
}

const NAME = /^generation\//

export function isGenerationName(name: string): boolean {
  return NAME.test(name)
}

function firstGeneration({ generation, generations = [] }: Genesis): number {
  return generation - generations.length
}

/** The generation whose messages may stand at a height. */
export function generationAt(genesis: Genesis, partition: number, height: number): number {
  const { generations = [] } = genesis
  for (let at = generations.length - 1; at >= 0; at--) {
    if (heightIn(generations[at], partition) < height) return firstGeneration(genesis) + at + 1
  }
  return firstGeneration(genesis)
}

function heightIn(start: GenerationStart | undefined, partition: number): number {
  return start?.heights[partition] ?? Infinity
}

/** undefined: no generation begins at the height. */
export function beginningAt(
  genesis: Genesis,
  partition: number,
  height: number,
): Beginning | undefined {
  if (genesis.generations === undefined) return undefined
  const generation = generationAt(genesis, partition, height)
  const start = genesis.generations[generation - firstGeneration(genesis) - 1]
  if (start === undefined || heightIn(start, partition) !== height - 1) return undefined
  const prev = fromBase64Url(start.hashes[partition] as string)
  return { generation, name: `generation/${generation}`, start, prev }
}

/** Where the partition's current generation begins; undefined: with its genesis. */
export function currentBeginning(genesis: Genesis, partition: number): Beginning | undefined {
  const start = genesis.generations?.at(-1)
  return start && beginningAt(genesis, partition, heightIn(start, partition) + 1)
}

/** How many first entries of generations stand up to a height. */
export function begunUpTo(genesis: Genesis, partition: number, height: number): number {
  const heights = (genesis.generations ?? []).map((start) => heightIn(start, partition) + 1)
  const begun = [...new Set(heights)].filter((at) => {
    return at <= height && beginningAt(genesis, partition, at) !== undefined
  })
  return begun.length
}

/**
 * The first entry of a generation: a notice to an id that is no process, so that nothing comes of
 * it. digest = H("hb.generation.1", network, generation, canonical JSON of its start).
 */
export function generationMessage(
  network: Network,
  partition: number,
  { generation, name, start }: Beginning,
): Message {
  const { salt, partitions } = network.genesis
  const nonce = grindNonce(salt, name, partition, partitions)
  const id = genesisProcessId(salt, name, nonce)
  const text = canonicalJson(start)
  return {
    id,
    caller: network.id,
    from: 'genesis',
    process: id,
    kind: 'notice',
    target: id,
    tags: [
      { name: 'Action', value: 'Generation' },
      { name: 'Content-Type', value: 'application/json' },
    ],
    data: Buffer.from(text),
    hops: 0,
    count: 0,
    budget: '0',
    digest: hashParts('hb.generation.1', [network.id, generation, text]),
  }
}

/** The same network in an earlier generation. */
export function atGeneration(network: Network, generation: number): Network {
  const { genesis } = network
  if (generation === genesis.generation) return network
  const { generations = [], ...rest } = genesis
  const kept = generations.slice(0, generation - firstGeneration(genesis))
  return openNetwork({ ...rest, generation, ...(kept.length > 0 && { generations: kept }) })
}

/** All generations of a network, the first one first. */
export function allGenerations(network: Network): Network[] {
  const first = firstGeneration(network.genesis)
  const count = network.genesis.generation - first + 1
  return Array.from({ length: count }, (_, at) => atGeneration(network, first + at))
}

/** The network in its next generation. */
export function nextGeneration({ genesis }: Network, start: GenerationStart): Network {
  const { generation, generations = [] } = genesis
  const next = { generation: generation + 1, generations: [...generations, start] }
  return openNetwork({ ...genesis, ...next })
}

/** A partition's heights by generation, in order; the last stretch has no end. */
export function stretchesOf(network: Network, partition: number): Stretch[] {
  const stretches: Stretch[] = []
  const all = allGenerations(network)
  all.forEach((each, at) => {
    const own = at === 0 ? -1 : heightIn(each.genesis.generations?.at(-1), partition)
    const later = all.slice(at + 1).map((next) => next.genesis.generations?.at(-1))
    const to = Math.min(Infinity, ...later.map((start) => heightIn(start, partition)))
    if (own < to) stretches.push({ network: each, from: own + 1, to })
  })
  return stretches
}

/** One document, cuts included: ids are the same for all generations. */
export function isSameGeneration(a: Network, b: Network): boolean {
  const cuts = ({ genesis }: Network): string =>
    canonicalJson([genesis.generation, genesis.generations ?? []])
  return a.id === b.id && cuts(a) === cuts(b)
}

/** For people. */
export function namedGeneration({ id, genesis }: Network): string {
  return genesis.generation === 0 ? id : `${id} in generation ${genesis.generation}`
}
