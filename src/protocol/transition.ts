// R4, R5: what an entry does to its process, apart from what the contract itself computes. The one
// home of these rules: a DRE, a fisher and a rebuild all ask here, so that they cannot disagree.
//
// `prepare` says what is to be evaluated, or gives the outcome where nothing is; `complete` turns
// what the runtime answered into the outcome. Invariants: T1 both are functions of (row, entry,
// genesis) and the evaluation alone.
// T2 an error leaves state as it was and sends one bounce if a process is waiting for one, else
//    nothing.

import { EMPTY, toBase64Url, utf8Text } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { quoted } from '../std/json-text.ts'
import type { Entry } from './entry.ts'
import type { EngineName } from './engines.ts'
import type { Network } from './genesis.ts'
import type { Content, Message, Tag } from './message.ts'
import { tagValue } from './message.ts'
import type { IsKnown, ModuleRef } from './module-ref.ts'
import { checkKnown, isOwn, isUpgrade, spawnSpec, upgradeModule } from './module-ref.ts'
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
 * What a spawn and an upgrade are told: the process's own id, its module's hash, the ids of the
 * network's own processes.
 */
function changeInput({ systemText }: Network, process: string, hash: string): string {
  return `{"process":"${process}","module":"${hash}","system":${systemText}}`
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
