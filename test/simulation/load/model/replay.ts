// The sequential network: every accepted entry in order, one process at a time, with the rules of
// R3 and R5 that no contract has a say in. Nothing of the product's own evaluation is used.
//
// A module is known in a partition from the entry on that carried its source there, or by which a
// process named its hash and was not marked: it is marked where its sender's partition lacks it.
// An upgrade is a process's own message: a model of the new module takes over, if its migration
// holds.
//
// Invariants: M1 a process lives in one partition, so its entries in order of height are all that
// its model needs. M2 an error leaves the state as it was and sends one bounce, if a process waits
// for one.

import { createHash } from 'node:crypto'
import type { Entry } from '../../../../src/protocol/entry.ts'
import type { Content, Message } from '../../../../src/protocol/message.ts'
import { tagValue } from '../../../../src/protocol/message.ts'
import type { Json, MakeModel, Model, Sent } from './model.ts'
import { Refused } from './model.ts'

/** A message as it must leave: with the hops and the count that are left to it. */
export type Leaving = Omit<Sent, 'kind' | 'hops' | 'count' | 'module'> & {
  readonly kind: Sent['kind'] | 'bounce'
  readonly hops: number
  readonly count: number
}

export type Predicted = {
  readonly status: 'ok' | 'error'
  readonly code: string
  /** What the error's text begins with. */
  readonly text: string
  readonly sent: readonly Leaving[]
}

/** Of a process: its model, that its spawn failed, or that nobody has a model of its contract. */
type Known = Model | 'failed' | 'unmodelled'

type Modules = ReadonlySet<string>
type Spec = {
  readonly source?: unknown
  readonly module?: unknown
  readonly engine?: unknown
  readonly state?: Json
}

/** On a spawn by a hash that is not known where it is sent. */
const UNKNOWN = 'HB-Module-Unknown'
/** On a message that gives its process another module. */
const UPGRADE = 'HB-Upgrade'

export class Replay {
  readonly processes = new Map<string, Known>()
  readonly #makers: ReadonlyMap<string, MakeModel>
  /** Models by the hash of the source. */
  readonly #byHash: ReadonlyMap<string, MakeModel>
  /** Hashes of the modules that are known, by partition. */
  readonly #known = new Map<number, Set<string>>()

  /** `makers`: by the contract's source. */
  constructor(makers: ReadonlyMap<string, MakeModel>) {
    this.#makers = makers
    this.#byHash = new Map([...makers].map(([source, make]) => [moduleHash(source), make]))
  }

  /** What the next entry of its process comes to; undefined where nobody has a model of it. */
  next({ message, timestamp, partition }: Entry): Predicted | undefined {
    const known = this.#known.get(partition) ?? new Set()
    this.#known.set(partition, known)
    if (message.kind === 'spawn' || isOwnUpgrade(message)) learn(known, message)
    try {
      return this.#next(message, timestamp, known)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const { code, message: text } = error
      const sent = bounces(message) ? [bounceOf(message, code)] : []
      return { status: 'error', code, text, sent }
    }
  }

  #next(message: Message, timestamp: number, modules: Modules): Predicted | undefined {
    const { process, kind, expires } = message
    const known = this.processes.get(process)
    const isFirst = kind === 'spawn' && known === undefined
    // whatever comes of it: a spawn that fails leaves a process that is nothing but failure
    if (isFirst) this.processes.set(process, 'failed')
    if (expires !== undefined && timestamp > expires) throw new Refused('expired', '')
    if (kind === 'spawn' && !isFirst) throw new Refused('spawn-repeated', '')
    if (known === undefined && kind === 'notice') return ok([])
    if (known === undefined && !isFirst) throw new Refused('process-not-found', '')
    if (known === 'failed') throw new Refused('process-failed', '')
    let now = isFirst ? this.#spawned(message, modules) : (known as Model | 'unmodelled')
    if (now !== 'unmodelled' && isUpgrade(message)) now = this.#upgraded(now, message, modules)
    if (now === 'unmodelled') {
      this.processes.set(process, now)
      return undefined
    }
    const sent = handled(now, message, timestamp, modules)
    this.processes.set(process, now)
    return ok(sent)
  }

  #spawned(message: Message, modules: Modules): Model | 'unmodelled' {
    const { process, from, tags } = message
    const spec = specOf(message)
    if (spec === undefined) throw new Refused('json-malformed', '')
    const { source, module, state = {} } = spec
    if (typeof module === 'string' && source === undefined) {
      const isKnown = from === 'process' ? !isMarked(tags) : modules.has(module)
      if (!isKnown) throw new Refused('module-unknown', '')
      return this.#byHash.get(module)?.(state, process) ?? 'unmodelled'
    }
    if (typeof source !== 'string') throw new Refused('spawn-malformed', '')
    return this.#makers.get(source)?.(state, process) ?? 'unmodelled'
  }

  /** Of the new module, on the state as it is. */
  #upgraded({ state }: Model, message: Message, modules: Modules): Model | 'unmodelled' {
    if (!isOwnUpgrade(message)) throw new Refused('upgrade-foreign', '')
    const { source, module } = specOf(message) ?? {}
    const hash = typeof source === 'string' ? moduleHash(source) : String(module)
    if (!modules.has(hash)) throw new Refused('module-unknown', '')
    return this.#byHash.get(hash)?.(structuredClone(state) as Json, message.process) ?? 'unmodelled'
  }
}

function specOf({ data }: Pick<Message, 'data'>): Spec | undefined {
  try {
    return JSON.parse(Buffer.from(data).toString()) as Spec
  } catch {
    return undefined
  }
}

/** By decision record 27. */
export function moduleHash(source: string): string {
  return createHash('sha256').update(source).digest('base64url')
}

/** What a spawn makes known where it stands, whatever comes of it. */
function learn(known: Set<string>, message: Message): void {
  const { source, module, engine } = specOf(message) ?? {}
  if (engine === 'native') return
  if (typeof source === 'string') known.add(moduleHash(source))
  else if (message.kind !== 'spawn' || typeof module !== 'string') return
  else if (message.from === 'process' && !isMarked(message.tags)) known.add(module)
}

function isUpgrade({ kind, tags }: Message): boolean {
  return kind === 'message' && tagValue(tags, UPGRADE) !== undefined
}

function isOwnUpgrade(message: Message): boolean {
  const { from, caller, process } = message
  return from === 'process' && caller === process && isUpgrade(message)
}

function isMarked(tags: Message['tags']): boolean {
  return tagValue(tags, UNKNOWN) !== undefined
}

function ok(sent: readonly Leaving[]): Predicted {
  return { status: 'ok', code: '', text: '', sent }
}

function handled(
  model: Model,
  message: Message,
  timestamp: number,
  modules: Modules,
): Leaving[] {
  const { caller, from, id, hops, count, tags } = message
  const kind = isUpgrade(message) ? 'upgrade' : message.kind
  const tag = (name: string): string | undefined => tagValue(tags, name)
  const forwarded: Record<string, string> = {}
  for (const { name, value } of tags) if (name.startsWith('X-')) forwarded[name] ??= value
  const before = structuredClone(model.state)
  try {
    const call = { kind, caller, from, id, hops, count, timestamp, forwarded, tag }
    const sent = model.handle(call)
    return leaving(sent.map((each) => marked(each, modules)), message)
  } catch (error) {
    model.state = before
    throw error
  }
}

function marked({ module, ...sent }: Sent, modules: Modules): Sent {
  if (module === undefined) return sent
  const mark = modules.has(module) ? undefined : module
  return { ...sent, tags: { ...sent.tags, [UNKNOWN]: mark } }
}

/** Each has a hop less; what is left of the count behind named shares is split evenly. */
function leaving(sent: readonly Sent[], { hops, count }: Message): Leaving[] {
  const relayed = sent.filter((each) => each.kind !== 'event')
  if (relayed.length > 0 && hops < 1) throw new Refused('hops-exhausted', '')
  const unnamed = relayed.filter((each) => each.count === undefined).length
  const left = relayed.reduce((sum, each) => sum - (each.count ?? 0), count - relayed.length)
  if (left < 0) throw new Refused('count-exhausted', '')
  const share = Math.floor(left / unnamed)
  return sent.map((each) =>
    each.kind === 'event'
      ? { ...each, hops: 0, count: 0 }
      : { ...each, hops: Math.min(each.hops ?? Infinity, hops - 1), count: each.count ?? share },
  )
}

function bounces({ from, kind }: Message): boolean {
  return from === 'process' && (kind === 'message' || kind === 'spawn')
}

function bounceOf(message: Message, code: string): Leaving {
  const kept = message.tags.filter(({ name }) => name === 'Reference' || name.startsWith('X-'))
  const tags: Record<string, string> = { Action: 'Bounce', Error: code, 'Message-Id': message.id }
  for (const { name, value } of kept) tags[name] ??= value
  const hops = Math.max(0, message.hops - 1)
  const count = Math.max(0, message.count - 1)
  return { kind: 'bounce', target: message.caller, tags, hops, count }
}

/** How what was sent differs from what must be; undefined where it does not. */
export function difference(
  predicted: readonly Leaving[],
  sent: readonly Content[],
): string | undefined {
  if (predicted.length !== sent.length) return `${sent.length} messages, not ${predicted.length}`
  for (const [at, wanted] of predicted.entries()) {
    const actual = sent[at] as Content
    for (const name of ['kind', 'target', 'hops', 'count'] as const) {
      if (actual[name] !== wanted[name]) {
        return `messages/${at} has ${name} ${actual[name]}, not ${wanted[name]}`
      }
    }
    for (const [name, value] of Object.entries(wanted.tags)) {
      const has = tagValue(actual.tags, name)
      if (has !== value) return `messages/${at} says ${name} ${has}, not ${value}`
    }
  }
  return undefined
}
