// What a wallet signs for a message or a spawn: the fields of its data item (tags:
// protocol/signed.ts).
//
// Invariant: every item carries a fresh random anchor. An Ed25519 signature is a function of what
// it signs, and the id is the signature's hash: without it the same transfer meant twice would be
// one message, applied once.

// eslint-disable-next-line no-restricted-imports -- unique among all clients: no seed can give that
import { randomBytes } from 'node:crypto'
import type { DataItemFields } from '../protocol/ans104/index.ts'
import type { Tag } from '../protocol/message.ts'
import { EMPTY, fromBase64Url, isIdText } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

export type TagList = Readonly<Record<string, string>> | readonly Tag[]

export type MessageSpec = {
  /** Process id. */
  readonly target: string
  /** The tag Action. */
  readonly action?: string
  readonly tags?: TagList
  /** Bytes or text as they are; any other value becomes JSON, with its Content-Type. */
  readonly data?: unknown
} & Allowance

export type SpawnSpec = {
  /** quickjs where absent. */
  readonly engine?: 'quickjs' | 'smartweave'
  readonly state?: Readonly<Record<string, unknown>>
  readonly tags?: TagList
} & SpawnModule &
  Allowance

/** What it is made of: one of the two. */
export type SpawnModule =
  /** The contract as `bundleContract` gives it; with `engine: 'smartweave'` as it was published. */
  | { readonly source: string; readonly module?: undefined }
  /** Hash of a source that the new process's partition knows already. */
  | { readonly module: string; readonly source?: undefined }

/**
 * Ms since the epoch after which the message is refused; how far and how wide what it causes may
 * go.
 */
export type Allowance = {
  readonly expires?: number
  readonly hops?: number
  readonly count?: number
  readonly budget?: string
}

export type NetworkPlace = { readonly network: string; readonly generation: number }

export function messageFields(place: NetworkPlace, spec: MessageSpec): DataItemFields {
  if (!isIdText(spec.target)) throw new HbError('id-malformed', `target ${spec.target}`)
  const action = spec.action === undefined ? [] : [{ name: 'Action', value: spec.action }]
  const { data, tags } = content(spec.data)
  return {
    target: fromBase64Url(spec.target),
    anchor: randomBytes(32),
    tags: withoutDoubles([...action, ...tagList(spec.tags), ...allowance(place, spec)], tags),
    data,
  }
}

export function spawnFields(place: NetworkPlace, spec: SpawnSpec): DataItemFields {
  const { state = {}, engine } = spec
  const made = { ...moduleFields(spec), state, ...(engine === undefined ? {} : { engine }) }
  const { data, tags } = content(made)
  const type = [{ name: 'HB-Type', value: 'Process' }]
  return {
    anchor: randomBytes(32),
    tags: withoutDoubles([...type, ...tagList(spec.tags), ...allowance(place, spec)], tags),
    data,
  }
}

function moduleFields({ source, module }: SpawnModule): Record<string, string> {
  if (module === undefined) return { source }
  if (source !== undefined) throw new HbError('spawn-malformed', 'source and module: one of both')
  if (!isIdText(module)) throw new HbError('id-malformed', `module ${module}`)
  return { module }
}

function content(data: unknown): { data: Uint8Array; tags: Tag[] } {
  if (data === undefined) return { data: EMPTY, tags: [] }
  if (typeof data === 'string') return { data: Buffer.from(data), tags: [] }
  if (data instanceof Uint8Array) return { data, tags: [] }
  const text = JSON.stringify(data) as string | undefined
  if (text === undefined) throw new HbError('json-malformed', 'the data has no JSON form')
  return { data: Buffer.from(text), tags: [{ name: 'Content-Type', value: 'application/json' }] }
}

function allowance({ network, generation }: NetworkPlace, spec: Allowance): Tag[] {
  const tags: Tag[] = [{ name: 'HB-Network', value: network }]
  if (generation !== 0) tags.push({ name: 'HB-Generation', value: String(generation) })
  if (spec.expires !== undefined) tags.push({ name: 'HB-Expires', value: String(spec.expires) })
  if (spec.hops !== undefined) tags.push({ name: 'HB-Hops', value: String(spec.hops) })
  if (spec.count !== undefined) tags.push({ name: 'HB-Count', value: String(spec.count) })
  if (spec.budget !== undefined) tags.push({ name: 'HB-Budget', value: spec.budget })
  return tags
}

function tagList(tags: TagList = []): readonly Tag[] {
  if (Array.isArray(tags)) return tags as readonly Tag[]
  return Object.entries(tags as Record<string, string>).map(([name, value]) => ({ name, value }))
}

// The first tag of a name is the one that is read, so a second one could only mislead.
function withoutDoubles(own: readonly Tag[], defaults: readonly Tag[]): Tag[] {
  const names = new Set<string>()
  for (const { name } of own) {
    if (READ_BY_THE_NETWORK.includes(name) && names.has(name)) {
      throw new HbError('tag-malformed', `${name} is given twice`)
    }
    names.add(name)
  }
  return [...own, ...defaults.filter(({ name }) => !names.has(name))]
}

const READ_BY_THE_NETWORK: readonly string[] = [
  'Action',
  'HB-Type',
  'HB-Network',
  'HB-Generation',
  'HB-Expires',
  'HB-Hops',
  'HB-Count',
  'HB-Budget',
  'Content-Type',
]
