// Which module a spawn or an upgrade names: by its source or by its hash; and which hashes are
// known in a partition (decision 27).
//
// Invariants: M1 what an entry names, and what it makes known, is a function of its bytes, its
// sender and the network's limits alone. M2 by hash only what was known where the message was sent
// is believed: a process's spawn is marked where it was not, and fails where it arrives.

import { isIdText, sha256, toBase64Url } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { EngineName } from './engines.ts'
import { isEngineName } from './engines.ts'
import type { Network } from './genesis.ts'
import { parseStrictJson } from './json.ts'
import type { ProtocolLimits } from './limits.ts'
import type { Content, Message } from './message.ts'
import { tagValue, UPGRADE_TAG } from './message.ts'

export type ModuleText = {
  readonly engine: EngineName
  readonly source: string
  readonly hash: string
}

/** A module that is named by its hash, whose source is somewhere else. */
export type ModuleName = {
  readonly engine: EngineName
  readonly hash: string
  readonly source?: undefined
}

export type ModuleRef = ModuleText | ModuleName

/**
 * On a spawn by a process that names a module which was not known in its sender's partition: said
 * by the network where it was sent, and its failure where it arrives.
 */
export const UNKNOWN_TAG = 'HB-Module-Unknown'

/** Whether a module of this hash is known in the entry's partition, the entry included. */
export type IsKnown = (hash: string) => boolean

/**
 * The module that an entry makes known in its partition: one whose source it carries, whatever
 * comes of it, or one that a process names, because it was known where that was sent.
 */
export function carriedModule(network: Network, message: Message): ModuleRef | undefined {
  if (message.kind !== 'spawn') return carriedByUpgrade(network, message)
  const module = moduleNamed(message, network.genesis.limits, message.from === 'genesis')
  if (module === undefined || module.engine === 'native') return undefined
  if (module.source !== undefined) return module
  if (message.from !== 'process' || isMarked(message)) return undefined
  return module
}

/** What a result sends, marked where it names a module that its partition does not know. */
export function markUnknown(network: Network, content: Content, isKnown: IsKnown): Content {
  const module = moduleNamed(content, network.genesis.limits, false)
  if (module === undefined || module.source !== undefined || isKnown(module.hash)) return content
  return { ...content, tags: [...content.tags, { name: UNKNOWN_TAG, value: module.hash }] }
}

function isMarked(content: Pick<Content, 'tags'>): boolean {
  return tagValue(content.tags, UNKNOWN_TAG) !== undefined
}

function moduleNamed(
  content: Pick<Content, 'kind' | 'data'>,
  limits: ProtocolLimits,
  genesis: boolean,
): ModuleRef | undefined {
  if (content.kind !== 'spawn') return undefined
  try {
    return spawnSpec({ data: content.data, from: genesis ? 'genesis' : 'process' }, limits).module
  } catch (error) {
    if (!isHbError(error)) throw error
    return undefined
  }
}

/** One that is named was known before. */
function carriedByUpgrade(network: Network, message: Message): ModuleRef | undefined {
  if (!isOwn(message) || !isUpgrade(message)) return undefined
  try {
    const module = upgradeModule(message, network.genesis.limits)
    return module.source === undefined ? undefined : module
  } catch (error) {
    if (!isHbError(error)) throw error
    return undefined
  }
}

export function isUpgrade({ kind, tags }: Message): boolean {
  return kind === 'message' && tagValue(tags, UPGRADE_TAG) !== undefined
}

/** Sent by the process that it is for. */
export function isOwn({ from, caller, process }: Message): boolean {
  return from === 'process' && caller === process
}

/** By hash: what a process sends was judged where it was sent, all else by this partition. */
export function checkKnown(message: Message, module: ModuleRef, isKnown: IsKnown): void {
  if (module.source !== undefined) return
  const known = message.from === 'process' ? !isMarked(message) : isKnown(module.hash)
  if (!known) throw new HbError('module-unknown', module.hash)
}

/**
 * An upgrade's data: JSON {"source": script text} or {"module": its hash}, and "engine" as of a
 * spawn: that of the process, which the evaluator compares. Throws `upgrade-malformed`,
 * `module-too-large`, or a code of strict JSON.
 */
export function upgradeModule({ data }: Message, limits: ProtocolLimits): ModuleRef {
  const { inputDepthMax: depthMax, messageBytesMax: bytesMax } = limits
  const value = parseStrictJson(data, { depthMax, bytesMax })
  if (!isObject(value)) throw new HbError('upgrade-malformed', 'the data is not an object')
  const { source: _, module: __, engine = 'quickjs', ...others } = value
  const [other] = Object.keys(others)
  if (other !== undefined) throw new HbError('upgrade-malformed', `${other} is not known`)
  if (!isEngineName(engine) || engine === 'native') {
    throw new HbError('upgrade-malformed', 'engine is neither quickjs nor smartweave')
  }
  return moduleOf(value, engine, limits, 'upgrade-malformed')
}

/**
 * A spawn's data: JSON {"source": script text, "state": object, "engine": quickjs (where absent) or
 * smartweave; of a genesis process also native}, or instead of the source {"module": its hash}.
 * Throws `spawn-malformed`, `module-too-large`, or a code of strict JSON.
 */
export function spawnSpec(
  message: Pick<Message, 'data' | 'from'>,
  limits: ProtocolLimits,
): { module: ModuleRef; snapshot: string } {
  const genesis = message.from === 'genesis'
  const value = parseStrictJson(message.data, {
    depthMax: genesis ? limits.stateDepthMax : Math.min(limits.inputDepthMax, limits.stateDepthMax),
    bytesMax: genesis ? Number.MAX_SAFE_INTEGER : limits.messageBytesMax,
  })
  if (!isObject(value)) throw new HbError('spawn-malformed', 'the data is not an object')
  for (const key of Object.keys(value)) {
    if (key === 'source' || key === 'state' || key === 'engine') continue
    if (key === 'module' && !genesis) continue
    throw new HbError('spawn-malformed', `${key} is not known`)
  }
  const { state = {}, engine = 'quickjs' } = value
  if (!isEngineName(engine) || (engine === 'native' && !genesis)) {
    throw new HbError('spawn-malformed', 'engine is neither quickjs nor smartweave')
  }
  const module = moduleOf(value, engine, limits, 'spawn-malformed')
  if (!isObject(state)) throw new HbError('spawn-malformed', 'state is not an object')
  return { module, snapshot: JSON.stringify(state) }
}

/** Its source, or its hash. */
function moduleOf(
  { source, module }: Record<string, unknown>,
  engine: EngineName,
  limits: ProtocolLimits,
  malformed: 'spawn-malformed' | 'upgrade-malformed',
): ModuleRef {
  if (module !== undefined) {
    if (source !== undefined) throw new HbError(malformed, 'source and module: one of both')
    if (typeof module !== 'string' || !isIdText(module)) {
      throw new HbError(malformed, 'module is not a hash of 43 base64url characters')
    }
    return { engine, hash: module }
  }
  if (typeof source !== 'string' || source === '')
    throw new HbError(malformed, 'source is not a text')
  const bytes = Buffer.from(source)
  if (bytes.length > limits.moduleBytesMax) {
    throw new HbError('module-too-large', `${bytes.length} bytes`)
  }
  const hash = toBase64Url(sha256(bytes))
  return { engine, source, hash }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
