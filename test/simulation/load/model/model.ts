// What a model is: a contract once more, as a few dozen lines that share nothing with it. It is
// handed the accepted entries of its process one by one, and says what each makes of the state and
// what it sends; replay.ts adds what the network's own rules make of that.

/** A message as a model sees it. */
export type Call = {
  readonly kind: string
  readonly caller: string
  readonly from: 'wallet' | 'process' | 'genesis'
  readonly id: string
  readonly hops: number
  readonly count: number
  readonly timestamp: number
  /** Tags whose names begin with `X-`. */
  readonly forwarded: Readonly<Record<string, string>>
  /** The first value of a tag. */
  tag(name: string): string | undefined
}

/** What is sent: of its tags those that the model names must be as it says. */
export type Sent = {
  readonly kind: 'message' | 'notice' | 'event' | 'spawn'
  /** '' for a spawn and for an event. */
  readonly target: string
  /** Undefined: a tag that must not be there. */
  readonly tags: Readonly<Record<string, string | undefined>>
  /** Where the sender names them: at most so many hops, and so much of its count. */
  readonly hops?: number
  readonly count?: number
  /** Of a spawn: the hash that it names its module by. */
  readonly module?: string
}

export type Model = {
  /** Plain data: put back as it was after an error. */
  state: object
  handle(call: Call): Sent[]
  /** What the process's state must show, as JSON. */
  expected(): unknown
  /** The same part of the process's own state. */
  seen(state: Json): unknown
}

export type Json = Readonly<Record<string, unknown>>

/** Makes the model of a process that was spawned with this state. */
export type MakeModel = (spawned: Json, process: string) => Model

/** Ends a message as an error; its `text` begins with what it is refused with. */
export class Refused extends Error {
  readonly code: string

  constructor(code: string, text: string) {
    super(text)
    this.code = code
  }
}

/** What a contract throws itself. */
export function refuse(text: string): never {
  throw new Refused('contract-error', text)
}

export function modelOf<S extends object>(
  state: S,
  parts: {
    handle(state: S, call: Call): Sent[]
    expected(state: S): unknown
    seen(state: Json): unknown
  },
): Model {
  const model: Model = {
    state,
    handle: (call) => parts.handle(model.state as S, call),
    expected: () => parts.expected(model.state as S),
    seen: (actual) => parts.seen(actual),
  }
  return model
}

export function message(target: string, tags: Sent['tags']): Sent {
  return { kind: 'message', target, tags }
}

export function notice(target: string, Action: string, tags: Sent['tags'] = {}): Sent {
  return { kind: 'notice', target, tags: { Action, ...tags } }
}

/** 32 bytes in the one form of base64url that gives them. */
export function isAddress(text: string | undefined): text is string {
  if (text?.length !== 43) return false
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === 32 && bytes.toString('base64url') === text
}

/** Undefined where the text is no whole number below 2^256, or 0. */
export function positive(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[1-9][0-9]{0,77}$/.test(text)) return undefined
  return BigInt(text) < 1n << 256n ? BigInt(text) : undefined
}

/** A map of amounts as JSON has it: by name, none at 0. */
export function amounts(map: ReadonlyMap<string, bigint>): unknown {
  const held = [...map].filter(([, amount]) => amount !== 0n)
  return Object.fromEntries(held.map(([name, amount]) => [name, String(amount)]))
}

export function amountsOf(value: unknown): Map<string, bigint> {
  const all = Object.entries((value ?? {}) as Record<string, string>)
  return new Map(all.map(([name, amount]) => [name, BigInt(amount)]))
}

export function add(map: Map<string, bigint>, name: string, amount: bigint): void {
  map.set(name, (map.get(name) ?? 0n) + amount)
}
