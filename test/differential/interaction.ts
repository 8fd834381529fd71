// What an interaction with a SmartWeave contract is, and how a run of random ones is made: who
// calls, at which height and time, with what tags. Seeded, so that a run can be had again.

import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { seededRandom, type Random } from '../../src/std/random.ts'

export type Tag = { readonly name: string; readonly value: string }

/** As Warp's gateway lists it. */
export type Interaction = {
  readonly id: string
  readonly owner: { readonly address: string }
  readonly recipient: string
  readonly tags: readonly Tag[]
  readonly block: { readonly id: string; readonly height: number; readonly timestamp: number }
  readonly fee: { readonly winston: string }
  readonly quantity: { readonly winston: string }
  readonly sortKey: string
  readonly source: string
}

/** What the generators of inputs draw from. */
export type Draw = Random & {
  readonly callers: readonly string[]
  /** Ids of the interactions before this one, the newest last. */
  readonly ids: readonly string[]
  caller(): string
  pick<T>(list: readonly T[]): T
  chance(part: number): boolean
}

/** The input of one interaction; a text is taken as it is (it may be no JSON). */
export type MakeInput = (draw: Draw) => unknown

export function named(text: string): string {
  return toBase64Url(sha256(Buffer.from(text)))
}

export const CALLERS: readonly string[] = Array.from({ length: 8 }, (_, i) => named(`caller ${i}`))
export const OWNER = CALLERS[0] as string

type RunOptions = {
  readonly contract: string
  readonly count: number
  readonly seed: number
  readonly input: MakeInput
}

export function interactions({ contract, count, seed, input }: RunOptions): Interaction[] {
  const random = seededRandom(seed)
  const ids: string[] = []
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T
  const draw: Draw = {
    ...random,
    callers: CALLERS,
    ids,
    caller: () => pick(CALLERS),
    pick,
    chance: (part) => random.float() < part,
  }
  let height = 1_200_000
  let ms = 1_690_000_000_000
  return Array.from({ length: count }, (_, index) => {
    if (index > 0 && !draw.chance(0.4)) height += 1 + random.below(9)
    ms += 1 + random.below(400_000)
    const made = input(draw)
    const text = typeof made === 'string' ? made : JSON.stringify(made)
    const id = named(`${contract} ${seed} ${index}`)
    const block = { id: named(`block ${height}`), height, timestamp: Math.floor(ms / 1_000) }
    ids.push(id)
    const hash = sha256(Buffer.from(block.id + id)).toString('hex')
    return {
      id,
      owner: { address: draw.caller() },
      recipient: draw.chance(0.3) ? draw.caller() : '',
      tags: tagsOf(contract, text, draw),
      block,
      fee: { winston: String(random.below(1_000_000)) },
      quantity: { winston: draw.chance(0.2) ? String(random.below(1_000)) : '0' },
      sortKey: `${String(height).padStart(12, '0')},${String(ms).padStart(13, '0')},${hash}`,
      source: draw.chance(0.7) ? 'redstone-sequencer' : 'arweave',
    }
  })
}

function tagsOf(contract: string, input: string, draw: Draw): Tag[] {
  const tags = [
    { name: 'App-Name', value: 'SmartWeaveAction' },
    { name: 'App-Version', value: '0.3.0' },
    { name: 'Contract', value: contract },
    { name: 'Input', value: input },
  ]
  if (draw.chance(0.25)) tags.push({ name: 'Referrer', value: draw.caller().slice(0, 6) })
  return tags
}
