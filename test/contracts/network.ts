// A network in memory, for tests: processes with their `handle`, channels in order, bounces as R5
// has them.
// Invariants: what a contract sends passes the protocol's own outbox check; state crosses every
// message as JSON text, so nothing that JSON cannot say survives; an error leaves it as it was.
// Channels keep their order, and `pick` chooses which channel moves next.

import { createHash } from 'node:crypto'

import type { Action, Handled } from '../../src/lib/index.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { Content } from '../../src/protocol/message.ts'
import { checkOutbox } from '../../src/protocol/outbox.ts'

export type AnyHandle = (state: never, action: Action) => Handled<never>
export type InFlight = {
  kind: Action['kind']
  from: string
  fromKind: Action['from']
  target: string
  tags: Record<string, string>
  data: string
  hops: number
  count: number
  id: string
  input: unknown
}
export type Result = { status: 'ok' | 'error'; text: string; sent: InFlight[]; action: Action }
type Process = { handle: AnyHandle; text: string; slot: number }
export type Sent = { kind?: Action['kind']; tags: Record<string, string>; hops?: number; count?: number }

export function idOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url')
}

export class Network {
  readonly processes = new Map<string, Process>()
  /** By `<from>/<target>`, each in order. */
  readonly channels = new Map<string, InFlight[]>()
  /** Notices that reached a wallet. */
  readonly notices: InFlight[] = []
  readonly results: Result[] = []
  /** True makes the message fail at its target, as if the contract had thrown. */
  failing: (message: InFlight) => boolean = () => false
  /** True makes its target take the message and neither answer it nor do anything. */
  silent: (message: InFlight) => boolean = () => false
  /** The ids that a spawn is told by name. */
  readonly system: Record<string, string> = {}
  time = 1_700_000_000_000
  private made = 0

  /** Spawns a process: its `handle` sees the spawn, as on the network. */
  spawn(name: string, handle: unknown, state: unknown): string {
    const id = idOf(name)
    this.processes.set(id, { handle: handle as AnyHandle, text: JSON.stringify(state), slot: 0 })
    const spawned = this.message('genesis', 'genesis', id, { kind: 'spawn', tags: {} })
    const result = this.deliver({ ...spawned, id, input: { system: this.system } })
    if (result?.status !== 'ok') throw new Error(`spawn of ${name}: ${result?.text ?? 'no result'}`)
    return id
  }

  state<S>(process: string): S {
    return JSON.parse(this.found(process).text) as S
  }

  /**
   * Delivers a wallet's message at once and gives its result; what it caused waits in the channels.
   */
  send(wallet: string, target: string, tags: Record<string, string>, limits: Partial<Sent> = {}): Result {
    const message = this.message(wallet, 'wallet', target, { tags, ...limits })
    return this.deliver(message) as Result
  }

  /** As if `from` had sent it: for forged, late and doubled messages. */
  inject(from: string, target: string, sent: Sent): Result | undefined {
    return this.deliver(this.message(from, 'process', target, sent))
  }

  get moving(): InFlight[] {
    return [...this.channels.values()].flat()
  }

  /** Moves one message; false where none waits. */
  step(pick: (channels: number) => number = () => 0): boolean {
    const keys = [...this.channels.keys()]
    if (keys.length === 0) return false
    const key = keys[pick(keys.length) % keys.length] as string
    const channel = this.channels.get(key) as InFlight[]
    const message = channel.shift() as InFlight
    if (channel.length === 0) this.channels.delete(key)
    this.deliver(message)
    return true
  }

  settle(pick?: (channels: number) => number): void {
    for (let steps = 0; this.step(pick); steps += 1) {
      if (steps > 100_000) throw new Error('the network does not come to rest')
    }
  }

  private message(
    from: string,
    fromKind: Action['from'],
    target: string,
    { kind = 'message', tags, hops = 64, count = 10_000 }: Sent,
  ): InFlight {
    const id = idOf(`message ${(this.made += 1)}`)
    return { kind, from, fromKind, target, tags, data: '', hops, count, id, input: null }
  }

  private deliver(message: InFlight): Result | undefined {
    const process = this.processes.get(message.target)
    this.time += 1
    if (process === undefined) {
      if (message.kind === 'notice') this.notices.push(message)
      else if (message.fromKind === 'process' && message.kind === 'message') this.bounce(message, 'none')
      return undefined
    }
    const action = this.actionOf(message, process.slot)
    process.slot += 1
    const result = this.evaluate(process, message, action)
    this.results.push(result)
    for (const sent of result.sent) this.enqueue(sent)
    if (result.status === 'error' && message.fromKind === 'process' && message.kind === 'message') {
      this.bounce(message, result.text)
    }
    return result
  }

  private evaluate(process: Process, message: InFlight, action: Action): Result {
    try {
      if (this.failing(message)) throw new Error('scripted: this message fails')
      if (this.silent(message)) return { status: 'ok', text: '', sent: [], action }
      const state = JSON.parse(process.text) as never
      const handled = process.handle(state, action)
      const status = handled.status ?? 'ok'
      if (status !== 'ok') throw new Error(status)
      const contents = checkOutbox(
        handled.messages ?? [],
        { hops: message.hops, count: message.count, budget: '0' },
        defaultLimits(),
      )
      process.text = jsonText(handled.state ?? state)
      const sent = contents
        .filter((content) => content.kind !== 'event')
        .map((content) => this.inFlight(message.target, content))
      return { status: 'ok', text: '', sent, action }
    } catch (error) {
      return { status: 'error', text: (error as Error).message, sent: [], action }
    }
  }

  private inFlight(from: string, content: Content): InFlight {
    const tags = Object.fromEntries(content.tags.map(({ name, value }) => [name, value]))
    const { kind, target, hops, count } = content
    const sent = this.message(from, 'process', target, { kind: kind as Action['kind'], tags, hops, count })
    const data = Buffer.from(content.data).toString()
    return { ...sent, data, input: tags['Content-Type'] === 'application/json' ? JSON.parse(data) : null }
  }

  private bounce(failed: InFlight, text: string): void {
    const tags: Record<string, string> = {
      Action: 'Bounce',
      Error: text === 'none' ? 'process-unknown' : 'contract-error',
      'Message-Id': failed.id,
    }
    for (const [name, value] of Object.entries(failed.tags)) {
      if (name === 'Reference' || name.startsWith('X-')) tags[name] = value
    }
    const { hops, count } = failed
    const sent = { kind: 'bounce' as const, tags, hops: Math.max(0, hops - 1), count }
    this.enqueue(this.message(failed.target, 'process', failed.from, sent))
  }

  private enqueue(message: InFlight): void {
    const key = `${message.from}/${message.target}`
    const channel = this.channels.get(key)
    if (channel === undefined) this.channels.set(key, [message])
    else channel.push(message)
  }

  private actionOf(message: InFlight, slot: number): Action {
    return {
      kind: message.kind,
      caller: message.from,
      from: message.fromKind,
      input: message.input,
      id: message.id,
      height: this.results.length,
      slot,
      timestamp: this.time,
      tags: message.tags,
      data: message.data,
      dataEncoding: 'utf8',
      hops: message.hops,
      count: message.count,
      budget: '0',
    }
  }

  private found(process: string): Process {
    const found = this.processes.get(process)
    if (found === undefined) throw new Error(`no process ${process}`)
    return found
  }
}

/** The state's text; throws where the state holds what JSON does not. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (key, held: unknown) => {
    const kind = typeof held
    if (held === undefined || kind === 'function' || kind === 'symbol' || kind === 'bigint') {
      throw new TypeError(`state-not-json: ${kind} at ${key}`)
    }
    if (kind === 'number' && !Number.isFinite(held)) throw new TypeError(`state-not-json: at ${key}`)
    return held
  })
}
