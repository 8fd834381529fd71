// A Warp contract's interactions, as Warp's gateway lists them
// (`/gateway/v3/interactions-sort-key`), or as Arweave's GraphQL does.
//
// Invariants: W1 the list is in the order of its sort keys, each once: that is the order Warp
// evaluates in. W2 an interaction that Warp passes over (no input, or none that is JSON and truthy)
// is in the list, with no input.

import { sha256 } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import type { Fields } from './fields.ts'
import { fieldsOf, isFields, malformed, parsedFile, textOf, wholeOf } from './fields.ts'

export type WarpTag = { readonly name: string; readonly value: string }

export type WarpInteraction = {
  readonly id: string
  readonly owner: string
  readonly target: string
  readonly tags: readonly WarpTag[]
  /** JSON text; undefined: passed over. */
  readonly input: string | undefined
  /** `timestamp` in seconds. */
  readonly block: { readonly id: string; readonly height: number; readonly timestamp: number }
  readonly sortKey: string
  readonly quantity: string
  readonly reward: string
  readonly origin: 'L1' | 'L2'
  readonly vrf: Fields | undefined
}

/** Throws `warp-file-malformed`, `warp-history-unsorted`, `warp-history-unsupported`. */
export function readInteractions(text: string, contract: string): WarpInteraction[] {
  const list = listOf(parsedFile(text, 'interactions'))
  const read = list.map((item, index) => interactionOf(item, `interactions[${index}]`, contract))
  const ids = new Set<string>()
  read.forEach(({ id, sortKey }, index) => {
    const before = read[index - 1]?.sortKey
    const why = ids.has(id)
      ? `${id} again`
      : before !== undefined && before >= sortKey && `${sortKey} of ${id} comes after ${before}`
    if (typeof why === 'string') {
      throw new HbError('warp-history-unsorted', `interactions[${index}]: ${why}`)
    }
    ids.add(id)
  })
  return read
}

/** A list, or an answer's body that holds one; each item may be wrapped, as gateways do. */
function listOf(value: unknown): unknown[] {
  const list = isFields(value) ? (value['interactions'] ?? value['edges']) : value
  if (!Array.isArray(list)) {
    throw malformed('interactions', 'neither a list nor {interactions: […]}')
  }
  return list.map((item: unknown) =>
    isFields(item) ? (item['node'] ?? item['interaction'] ?? item) : item,
  )
}

function interactionOf(value: unknown, where: string, contract: string): WarpInteraction {
  const fields = fieldsOf(value, where)
  const id = textOf(fields, 'id', where)
  const { owner, block, confirmationStatus, recipient, vrf } = fields
  if (confirmationStatus === 'corrupted' || confirmationStatus === 'orphaned') {
    throw new HbError('warp-history-unsupported', `${where}: ${id} is ${confirmationStatus}`)
  }
  const tags = tagsOf(fields, where)
  const isFor = (name: string): boolean =>
    tags.some((tag) => tag.name === name && tag.value === contract)
  if (isFor('Interact-Write')) {
    throw new HbError('warp-history-unsupported', `${where}: ${id} is a write of another contract`)
  }
  if (!isFor('Contract')) throw malformed(where, `${id} has no tag Contract with ${contract}`)
  const mined = fieldsOf(block, `${where}.block`)
  const at = {
    id: textOf(mined, 'id', `${where}.block`),
    height: wholeOf(mined, 'height', `${where}.block`),
    timestamp: wholeOf(mined, 'timestamp', `${where}.block`),
  }
  return {
    id,
    owner: textOf(fieldsOf(owner, `${where}.owner`), 'address', `${where}.owner`),
    target: typeof recipient === 'string' ? recipient : '',
    tags,
    input: inputOf(tags, contract),
    block: at,
    sortKey: sortKeyOf(fields, id, at, where),
    quantity: winstonOf(fields['quantity']),
    reward: winstonOf(fields['fee']),
    origin: fields['source'] === 'redstone-sequencer' ? 'L2' : 'L1',
    vrf: isFields(vrf) ? vrf : undefined,
  }
}

function tagsOf(fields: Fields, where: string): WarpTag[] {
  const { tags } = fields
  if (!Array.isArray(tags)) throw malformed(`${where}.tags`, 'not a list')
  return tags.map((tag: unknown, index) => {
    const place = `${where}.tags[${index}]`
    const { value, ...rest } = fieldsOf(tag, place)
    if (typeof value !== 'string') throw malformed(`${place}.value`, 'not a text')
    return { name: textOf(rest, 'name', place), value }
  })
}

/**
 * The tag Input; where several contracts are named, the one right behind this one's name. Undefined
 * where Warp finds nothing to evaluate.
 */
function inputOf(tags: readonly WarpTag[], contract: string): string | undefined {
  const named = tags.filter(({ name }) => name === 'Contract')
  const at = tags.findIndex(({ name, value }) => name === 'Contract' && value === contract)
  const found = named.length > 1 ? tags[at + 1] : tags.find(({ name }) => name === 'Input')
  if (found?.name !== 'Input') return undefined
  try {
    return JSON.parse(found.value) ? found.value : undefined
  } catch {
    return undefined
  }
}

/** `winston` of an amount as GraphQL gives it. */
function winstonOf(amount: unknown): string {
  const winston = isFields(amount) ? amount['winston'] : amount
  return typeof winston === 'string' || typeof winston === 'number' ? String(winston) : '0'
}

const SORT_KEY = /^\d{12},\d{13},[0-9a-z]{64}$/

/** Where none is given, Warp makes it of height, block id and id. */
function sortKeyOf(
  fields: Fields,
  id: string,
  block: WarpInteraction['block'],
  where: string,
): string {
  const given = fields['sortKey']
  if (given === undefined || given === null) {
    const bytes = [block.id, id].map((text) => Buffer.from(text, 'base64url'))
    const hash = sha256(Buffer.concat(bytes)).toString('hex')
    return `${String(block.height).padStart(12, '0')},${'0'.repeat(13)},${hash}`
  }
  if (typeof given === 'string' && SORT_KEY.test(given)) return given
  throw malformed(`${where}.sortKey`, 'not of the form height,ms,hash')
}
