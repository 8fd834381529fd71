// Other code over the recorded history of a process: what its own code did with each of its
// entries, and what the other would have done with the same (same actions, timestamps, slots, hops
// and counts).
//
// Both are evaluated here, in step, by the same sandbox: what is recorded is not needed but for the
// entries. Invariants: T1 an entry's difference is in what it does: its status, its changes to the
// state, its messages; a state that differs for what came before is none. T2 gas is summed, not
// compared: any change of code changes it. T3 messages that only the other code would have sent
// have no answers in the record, and those that it would not have sent keep theirs. T4 memory does
// not grow with the history.

import { firstLevel } from '../protocol/features.ts'
import type { Content, Message } from '../protocol/message.ts'
import { tagValue } from '../protocol/message.ts'
import { partitionOf, topicNames } from '../protocol/topics.ts'
import type { ModuleRef, ModuleText } from '../protocol/module-ref.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { toBase64Url, utf8Text } from '../std/bytes.ts'
import type { ErrorCode } from '../std/errors.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Store } from '../store/port.ts'
import type { Settled } from '../dre/index.ts'
import { readEntries, Rebuilder } from '../dre/index.ts'
import type { Side } from './differences.ts'
import { differingFields, sameContent, sideOf } from './differences.ts'
import type { ReplaySource } from './partition.ts'
import { interruptible } from './partition.ts'
import type { UpgradeAt, UpgradeTrial } from './take-over.ts'
import { TakeOver, tryUpgrade } from './take-over.ts'

/** A sandbox and a scratch store, both fresh. */
export type Bench = { readonly evaluator: Evaluator; readonly store: Store }

export type TrialOptions = Omit<ReplaySource, 'partition'> & {
  readonly process: string
  /** Without its source it is looked for in what was recorded. */
  readonly code: ModuleRef
  readonly own: Bench
  readonly other: Bench
  /** The other code takes over at this height, with the state of then; default: from the spawn. */
  readonly from?: number
  /** Instead of `from`: it takes over by an upgrade. */
  readonly upgrade?: UpgradeAt
  readonly to?: number
  readonly onDifference: (difference: TrialDifference) => void
}

export type MessageBrief = {
  readonly kind: string
  readonly target: string
  readonly tags: Readonly<Record<string, string>>
  /** Its beginning, as text where it is text. */
  readonly data: string
  readonly hops: number
  readonly count: number
  readonly budget: string
}

/** A message at one place of the outbox, as either code sends it. */
export type MessageDifference = {
  readonly index: number
  readonly recorded?: MessageBrief
  readonly tried?: MessageBrief
}

export type TrialDifference = {
  readonly height: number
  readonly slot: number
  /** The tag Action, or the message's kind. */
  readonly action: string
  readonly fields: readonly ('status' | 'code' | 'text' | 'changes' | 'messages')[]
  readonly recorded: Side
  readonly tried: Side
  readonly messages: readonly MessageDifference[]
}

export type Trial = {
  readonly partition: number
  readonly process: string
  readonly began: { readonly at: 'genesis' | 'manifest'; readonly height: number }
  /** Entries that both evaluated. */
  readonly entries: number
  readonly different: number
  readonly gas: { readonly recorded: number; readonly tried: number }
  /** Whether both end with the same state, byte for byte. */
  readonly sameState: boolean
  /** Where it took over by one. If that is an error, the process's own code goes on. */
  readonly upgrade?: UpgradeTrial
}

const DATA_UNITS_MAX = 400

/**
 * Errors: `module-invalid`, `module-too-large`, `module-unknown`, `process-not-found`,
 * `process-failed`, `state-unknown`, …
 */
export async function tryCode(options: TrialOptions): Promise<Trial> {
  const { network, log, process } = options
  const topics = topicNames(options.applicationId)
  const partition = partitionOf(process, network.genesis.partitions)
  const place = { network, log, topics, partition }
  const own = new Rebuilder({ ...place, ...options.own })
  const module = await textOf(options.code, own)
  await checkCode(options, module)
  const other = new Rebuilder({ ...place, ...options.other, code: { process, module } })
  try {
    const takeOver = new TakeOver(options)
    const { accepts } = takeOver
    const beginning = await own.begin(accepts && { accepts, process })
    const { view, next, restored } = beginning
    const at = restored ? ('manifest' as const) : ('genesis' as const)
    const began = { at, height: view.height }
    const { start, end } = await endsOf(log, topics.log, partition)
    const { records } = own
    const source = { network, log, topic: topics.log, partition, records, view, from: next, end }
    takeOver.begin(own.ledger.rows.get(process)?.settledSlot ?? -1)
    const trial = new RunningTrial({ ...options, partition }, own, other, takeOver)
    for await (const read of readEntries(source)) {
      interruptible(options.signal)
      await own.notes(read.entries)
      await other.notes(read.entries)
      await trial.take(read.entries)
      options.onProgress?.(read.next - start, end - start)
      if (trial.isRefused || view.height >= (options.to ?? Infinity)) break
    }
    return { partition, process, began, ...(await trial.end()) }
  } finally {
    await own.close()
    await other.close()
  }
}

async function textOf(code: ModuleRef, own: Rebuilder): Promise<ModuleText> {
  if (code.source !== undefined) return code
  return own.moduleText(code).catch((error: unknown) => {
    throw isHbError(error, 'module-missing') ? new HbError('module-unknown', code.hash) : error
  })
}

async function checkCode(
  { network, other, process }: TrialOptions,
  code: ModuleText,
): Promise<void> {
  const bytes = Buffer.byteLength(code.source)
  if (bytes > network.genesis.limits.moduleBytesMax) {
    throw new HbError('module-too-large', `${bytes} bytes`)
  }
  const level = firstLevel(network.genesis)
  const open = { kind: 'open', process, level, module: code, snapshot: '{}' } as const
  const [reply] = await other.evaluator.run([open, { kind: 'close', process }])
  if (reply?.kind === 'refused') throw new HbError(reply.code as ErrorCode, reply.text)
}

class RunningTrial {
  readonly #o: TrialOptions & { readonly partition: number }
  readonly #own: Rebuilder
  readonly #other: Rebuilder
  readonly #takeOver: TakeOver
  #hasBegun = false
  #upgrade: UpgradeTrial | undefined
  /** Of the last entry that was taken, ms. */
  #timestamp = 0
  #entries = 0
  #different = 0
  #gas = { recorded: 0, tried: 0 }

  constructor(
    options: TrialOptions & { readonly partition: number },
    own: Rebuilder,
    other: Rebuilder,
    takeOver: TakeOver,
  ) {
    this.#o = options
    this.#own = own
    this.#other = other
    this.#takeOver = takeOver
  }

  /** The upgrade to the other code is an error: there is nothing to compare. */
  get isRefused(): boolean {
    return this.#upgrade?.run.outcome.status === 'error'
  }

  async take(entries: readonly Entry[]): Promise<void> {
    const { process, to = Infinity } = this.#o
    const mine = entries.filter((each) => each.height <= to && this.#own.concerns(process, each))
    const count = this.#takeOver.before(mine)
    const before = mine.slice(0, count)
    const both = mine.slice(count)
    if (before.length > 0) await this.#own.take(before)
    this.#timestamp = mine.at(-1)?.timestamp ?? this.#timestamp
    const [first] = both
    if (first === undefined) return
    if (!this.#hasBegun) await this.#begin(first.timestamp)
    if (this.isRefused) return
    const [own, other] = await Promise.all([this.#own.take(both), this.#other.take(both)])
    own.forEach((each, at) => {
      const entry = both[at] as Entry
      if (entry.message.process === process) this.#compare(entry, each, other[at] as Settled)
    })
  }

  async end(): Promise<Pick<Trial, 'entries' | 'different' | 'gas' | 'sameState' | 'upgrade'>> {
    const { process, upgrade } = this.#o
    if (!this.#own.ledger.rows.has(process)) throw new HbError('process-not-found', process)
    this.#takeOver.checkReached()
    if (upgrade !== undefined && !this.#hasBegun) {
      await this.#begin(Math.max(upgrade.now, this.#timestamp))
    }
    const own = this.#own.state(process)?.text
    const isOwn = !this.#hasBegun || this.isRefused
    const sameState = isOwn || own === this.#other.state(process)?.text
    const counted = { entries: this.#entries, different: this.#different, gas: this.#gas }
    return { ...counted, sameState, ...(this.#upgrade && { upgrade: this.#upgrade }) }
  }

  /** The other code goes on from the state that the process has now, where it has one. */
  async #begin(timestamp: number): Promise<void> {
    const { process, network, code, upgrade, partition } = this.#o
    this.#hasBegun = true
    const row = this.#own.ledger.rows.get(process)
    if (row === undefined) return
    const state = this.#own.state(process)
    if (state === undefined) throw new HbError('process-failed', process)
    if (upgrade === undefined) return this.#other.adopt(process, state, this.#own)
    const about = { network, code, evaluator: this.#o.other.evaluator }
    const place = { partition, timestamp }
    this.#upgrade = await tryUpgrade(about, this.#own, process, state, place)
    const { state: text } = this.#upgrade.run
    if (this.isRefused || text === undefined) return
    await this.#other.adopt(process, { ...state, text }, this.#own)
  }

  #compare({ message }: Entry, own: Settled, other: Settled): void {
    this.#entries += 1
    this.#gas.recorded += own.result.gas
    this.#gas.tried += other.result.gas
    const fields: TrialDifference['fields'][number][] = []
    const all = differingFields(own.result, other.result)
    for (const field of ['status', 'code', 'text'] as const) {
      if (all.includes(field)) fields.push(field)
    }
    if (own.changes !== other.changes) fields.push('changes')
    if (all.includes('messages')) fields.push('messages')
    if (fields.length === 0) return
    this.#different += 1
    const { height, slot } = own.result
    const sides = { recorded: sideOf(own.result), tried: sideOf(other.result) }
    const messages = differingMessages(own.result.messages, other.result.messages)
    this.#o.onDifference({ height, slot, action: actionOf(message), fields, ...sides, messages })
  }
}

function actionOf({ tags, kind }: Message): string {
  return tagValue(tags, 'Action') ?? kind
}

function differingMessages(
  own: readonly Content[],
  other: readonly Content[],
): MessageDifference[] {
  const found: MessageDifference[] = []
  for (let index = 0; index < Math.max(own.length, other.length); index++) {
    const [a, b] = [own[index], other[index]]
    if (a !== undefined && b !== undefined && sameContent(a, b)) continue
    found.push({ index, ...(a && { recorded: brief(a) }), ...(b && { tried: brief(b) }) })
  }
  return found
}

function brief({ kind, target, tags, data, hops, count, budget }: Content): MessageBrief {
  const text = (utf8Text(data) ?? toBase64Url(data)).slice(0, DATA_UNITS_MAX)
  const named = Object.fromEntries(tags.map(({ name, value }) => [name, value]))
  return { kind, target, tags: named, data: text, hops, count, budget }
}

