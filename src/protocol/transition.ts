// R4, R5: what an entry does to its process, apart from what the contract itself computes. The one
// home of these rules: a DRE, a fisher and a rebuild all ask here, so that they cannot disagree.
//
// `prepare` says what is to be evaluated, or gives the outcome where nothing is; `complete` turns
// what the runtime answered into the outcome. Invariants: T1 both are functions of (row, entry,
// genesis) and the evaluation alone.
// T2 an error leaves state as it was and sends one bounce if a process is waiting for one, else
//    nothing.

import { EMPTY, isIdText, sha256, toBase64Url, utf8Text } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { quoted } from '../std/json-text.ts'
import type { Entry } from './entry.ts'
import type { EngineName } from './engines.ts'
import { isEngineName } from './engines.ts'
import type { Network } from './genesis.ts'
import { parseStrictJson } from './json.ts'
import type { ProtocolLimits } from './limits.ts'
import type { Content, Message, Tag } from './message.ts'
import { tagValue, UPGRADE_TAG } from './message.ts'
import { inputText } from './signed.ts'

/** What is known of a process between its entries. */
export type ProcessRow = {
  readonly process: string
  /** Slot of its last entry, from 0 (its spawn). */
  readonly slot: number
  readonly stateHash: Uint8Array
  /** Its spawn failed: every later entry is an error (R5). */
  readonly failed: boolean
  readonly engine: EngineName
  /** base64url of the source's SHA-256; '' if its spawn failed. */
  readonly module: string
}

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

export type Plan =
  /** Nothing to evaluate. */
  | { readonly type: 'settled'; readonly outcome: Outcome }
  /**
   * A spawn: open the module on this state (JSON text), then evaluate the spawn itself as its first
   * action.
   */
  | {
      readonly type: 'open'
      readonly module: ModuleRef
      readonly snapshot: string
      readonly action: string
    }
  /**
   * Open the module on the state as it is and evaluate the action in it: if that is ok, the process
   * goes on with it.
   */
  | { readonly type: 'upgrade'; readonly module: ModuleRef; readonly action: string }
  /** Evaluate this action (JSON text). */
  | { readonly type: 'evaluate'; readonly action: string }

/**
 * An outcome without place: what a result says before slot, hashes and channel numbers are added.
 */
export type Outcome = {
  readonly status: 'ok' | 'error'
  readonly code: string
  readonly text: string
  readonly gas: number
  /** Canonical text of changes(n). */
  readonly changes: string
  /** Of a spawn that succeeded: the text of the state before it. */
  readonly snapshot?: string
  readonly messages: readonly Content[]
}

/**
 * On a spawn by a process that names a module which was not known in its sender's partition: said
 * by the network where it was sent, and its failure where it arrives.
 */
export const UNKNOWN_TAG = 'HB-Module-Unknown'

/** Whether a module of this hash is known in the entry's partition, the entry included. */
export type IsKnown = (hash: string) => boolean

const NONE_KNOWN: IsKnown = () => false

export const NO_CHANGES = '[]'
/** Looking for repeated names costs the square of their number. */
const FEW_TAGS = 16

/**
 * The slot that an entry gets: one more than its process's last; 0 for a spawn, -1 before the
 * spawn.
 */
export function slotOf(row: ProcessRow | undefined, message: Message): number {
  if (row !== undefined) return row.slot + 1
  return message.kind === 'spawn' ? 0 : -1
}

/** `isKnown`: asked where the entry names a module by its hash. */
export function prepare(
  network: Network,
  row: ProcessRow | undefined,
  entry: Entry,
  isKnown: IsKnown = NONE_KNOWN,
): Plan {
  const { message } = entry
  if (message.expires !== undefined && entry.timestamp > message.expires) {
    return failed(network, message, 'expired', `the entry's time ${entry.timestamp} is past it`)
  }
  if (message.kind === 'spawn') {
    return row === undefined
      ? prepareSpawn(network, entry, isKnown)
      : failed(network, message, 'spawn-repeated', 'the process exists')
  }
  if (row === undefined) {
    // a contract need not know whether the id that it notifies is a wallet
    if (message.kind === 'notice') return { type: 'settled', outcome: nothing(0) }
    return failed(network, message, 'process-not-found', `no process ${message.process}`)
  }
  if (row.failed) return failed(network, message, 'process-failed', 'its spawn failed')
  if (isUpgrade(message)) return prepareUpgrade(network, entry, row.slot + 1, isKnown)
  let input: string | undefined
  try {
    input = inputText(message.tags, message.data, network.genesis.limits)
  } catch (error) {
    if (!isHbError(error)) throw error
    return failed(network, message, error.code, error.detail)
  }
  return { type: 'evaluate', action: actionText(entry, row.slot + 1, input) }
}

/** The runtime refused to open the module of a spawn. */
export function refuseSpawn(message: Message, refused: { code: string; text: string }): Outcome {
  return errorOutcome(message, refused.code, refused.text, 0)
}

export type Evaluated =
  | { status: 'ok'; gas: number; changes: string; messages: readonly Content[] }
  | { status: 'error'; gas: number; code: string; text: string }

/**
 * After the sandbox evaluated an action; `snapshot`: of a spawn, the state that it was opened on.
 */
export function complete(message: Message, evaluation: Evaluated, snapshot?: string): Outcome {
  if (evaluation.status === 'error') {
    return errorOutcome(message, evaluation.code, evaluation.text, evaluation.gas)
  }
  const { gas, changes, messages } = evaluation
  const outcome: Outcome = { status: 'ok', code: '', text: '', gas, changes, messages }
  return snapshot === undefined ? outcome : { ...outcome, snapshot }
}

function nothing(gas: number): Outcome {
  return { status: 'ok', code: '', text: '', gas, changes: NO_CHANGES, messages: [] }
}

function failed(network: Network, message: Message, code: string, detail: string): Plan {
  // a detail may quote what the message held, and so be as long as it
  const text = detail.slice(0, network.genesis.limits.errorTextMax)
  return { type: 'settled', outcome: errorOutcome(message, code, text, 0) }
}

function errorOutcome(message: Message, code: string, detail: string, gas: number): Outcome {
  // a text cut inside a surrogate pair would make the bounce's data JSON that nobody accepts
  const text = detail.toWellFormed()
  const bounces =
    message.from === 'process' && (message.kind === 'message' || message.kind === 'spawn')
  return {
    status: 'error',
    code,
    text,
    gas,
    changes: NO_CHANGES,
    messages: bounces ? [bounce(message, code, text)] : [],
  }
}

/**
 * The failure reply (R5): allowed even with no hops left, and its handling counts on from what is
 * left.
 */
function bounce(message: Message, code: string, text: string): Content {
  const tags: Tag[] = [
    { name: 'Action', value: 'Bounce' },
    { name: 'Error', value: code },
    { name: 'Message-Id', value: message.id },
    { name: 'Content-Type', value: 'application/json' },
  ]
  const reference = tagValue(message.tags, 'Reference')
  if (reference !== undefined) tags.push({ name: 'Reference', value: reference })
  for (const tag of message.tags) if (tag.name.startsWith('X-')) tags.push(tag)
  return {
    kind: 'bounce',
    target: message.caller,
    tags,
    data: Buffer.from(JSON.stringify({ code, text })),
    hops: Math.max(0, message.hops - 1),
    count: Math.max(0, message.count - 1),
    budget: message.budget,
  }
}

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

function isUpgrade({ kind, tags }: Message): boolean {
  return kind === 'message' && tagValue(tags, UPGRADE_TAG) !== undefined
}

/** Sent by the process that it is for. */
function isOwn({ from, caller, process }: Message): boolean {
  return from === 'process' && caller === process
}

/** By hash: what a process sends was judged where it was sent, all else by this partition. */
function checkKnown(message: Message, module: ModuleRef, isKnown: IsKnown): void {
  if (module.source !== undefined) return
  const known = message.from === 'process' ? !isMarked(message) : isKnown(module.hash)
  if (!known) throw new HbError('module-unknown', module.hash)
}

function prepareSpawn(network: Network, entry: Entry, isKnown: IsKnown): Plan {
  const { message } = entry
  try {
    const { module, snapshot } = spawnSpec(message, network.genesis.limits)
    checkKnown(message, module, isKnown)
    // its data is the module's source: nothing that a contract needs to see of itself
    const bare = { ...entry, message: { ...message, data: EMPTY } }
    const input = changeInput(network, message.process, module.hash)
    return { type: 'open', module, snapshot, action: actionText(bare, 0, input) }
  } catch (error) {
    if (!isHbError(error)) throw error
    return failed(network, message, error.code, error.detail)
  }
}

/** Its sender's partition is its own: what it names is judged here. */
function prepareUpgrade(network: Network, entry: Entry, slot: number, isKnown: IsKnown): Plan {
  const { message } = entry
  if (!isOwn(message)) return failed(network, message, 'upgrade-foreign', `from ${message.caller}`)
  try {
    const module = upgradeModule(message, network.genesis.limits)
    if (module.source === undefined && !isKnown(module.hash)) {
      throw new HbError('module-unknown', module.hash)
    }
    const bare = { ...entry, message: { ...message, data: EMPTY } }
    const input = changeInput(network, message.process, module.hash)
    return { type: 'upgrade', module, action: actionText(bare, slot, input, 'upgrade') }
  } catch (error) {
    if (!isHbError(error)) throw error
    return failed(network, message, error.code, error.detail)
  }
}

/**
 * An upgrade's data: JSON {"source": script text} or {"module": its hash}, and "engine" as of a
 * spawn: that of the process, which the evaluator compares. Throws `upgrade-malformed`,
 * `module-too-large`, or a code of strict JSON.
 */
function upgradeModule({ data }: Message, limits: ProtocolLimits): ModuleRef {
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
 * What a spawn and an upgrade are told: the process's own id, its module's hash, the ids of the
 * network's own processes.
 */
function changeInput({ systemText }: Network, process: string, hash: string): string {
  return `{"process":"${process}","module":"${hash}","system":${systemText}}`
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

/**
 * JSON text of the action that `handle` sees (runtime/port.ts Action); `input` is checked JSON
 * text. Put together here, because JSON.stringify took three times as long.
 */
function actionText(
  entry: Entry,
  slot: number,
  input: string | undefined,
  kind: string = entry.message.kind,
): string {
  const { message } = entry
  const text = message.data.length === 0 ? '' : utf8Text(message.data)
  const data = text ?? toBase64Url(message.data)
  const encoding = text === undefined ? 'base64url' : 'utf8'
  return (
    `{"kind":"${kind}","caller":${quoted(message.caller)},"from":"${message.from}",` +
    `"id":${quoted(message.id)},"height":${entry.height},"slot":${slot},` +
    `"timestamp":${entry.timestamp},"tags":${tagsText(message.tags)},"data":${quoted(data)},` +
    `"dataEncoding":"${encoding}","hops":${message.hops},"count":${message.count},` +
    `"budget":${quoted(message.budget)},"input":${input ?? 'null'}}`
  )
}

/** Of tags of one name the first; the order is that of an object's keys. */
function tagsText(tags: readonly Tag[]): string {
  if (tags.length > FEW_TAGS || tags.some(({ name }) => mayBeInteger(name))) {
    const object = Object.create(null) as Record<string, string>
    for (const tag of tags) object[tag.name] ??= tag.value
    return JSON.stringify(object)
  }
  let text = ''
  tags.forEach(({ name, value }, index) => {
    if (tags.findIndex((tag) => tag.name === name) < index) return
    text += `${text === '' ? '' : ','}${quoted(name)}:${quoted(value)}`
  })
  return `{${text}}`
}

/** Keys that are integers come first, whenever they were set. */
function mayBeInteger(name: string): boolean {
  const unit = name.charCodeAt(0)
  return unit >= 48 && unit <= 57
}
