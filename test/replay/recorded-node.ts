// A real node on an embedded log whose states were written down while they were served: what a
// replay must find again.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../src/log/port.ts'
import { openEmbeddedReader } from '../../src/log/embedded/index.ts'
import type { LocalNode } from '../../src/node/index.ts'
import { openEvaluator, startNode } from '../../src/node/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Evaluator } from '../../src/runtime/evaluator/port.ts'
import type { Store } from '../../src/store/port.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'

/**
 * Does to its state what it is told, sends on, or fails. Input: {set: [key, value]}, {drop: key},
 * {push: value}, {pop: true}, {tell: [target, input]}, {fail: text}.
 */
export const EDITOR = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  state.list ??= []
  state.at = action.timestamp
  const { set, drop, push, pop, tell, fail } = action.input ?? {}
  if (fail !== undefined) throw new Error(fail)
  if (set !== undefined) state[set[0]] = set[1]
  if (drop !== undefined) delete state[drop]
  if (push !== undefined) state.list.push(push)
  if (pop === true) state.list.pop()
  if (tell !== undefined) {
    return { messages: [{ target: tell[0], data: tell[1], tags: { Action: 'Told' } }] }
  }
}
`

export type Recorded = { readonly slot: number; readonly stateHash: string; readonly text: string }

export function editorNetwork(intervalLength = 8): Network {
  const processes = ['a', 'b', 'c'].map((name, index) => ({
    name,
    nonce: grindNonce('replay', name, index % 2, 2),
    engine: 'quickjs' as const,
    source: EDITOR,
    state: { count: 0 },
  }))
  return openNetwork(
    makeGenesis({
      name: 'replay',
      salt: 'replay',
      partitions: 2,
      intervalLength,
      sandbox: SANDBOX,
      processes,
    }),
  )
}

export class RecordedNode {
  readonly network: Network
  readonly directory: string
  /** By process, the states that were served, by slot. */
  readonly states = new Map<string, Map<number, Recorded>>()
  readonly #key = ed25519Key()
  readonly #closing: (() => Promise<void>)[] = []
  node: LocalNode

  private constructor(network: Network, directory: string, node: LocalNode) {
    this.network = network
    this.directory = directory
    this.node = node
  }

  static async start(network = editorNetwork()): Promise<RecordedNode> {
    const directory = await mkdtemp(join(tmpdir(), 'hb-recorded-'))
    const options = { network, directory, evaluatorWorkers: 0, verifierThreads: 0 }
    return new RecordedNode(network, directory, await startNode(options))
  }

  id(name: string): string {
    return this.network.processIds.get(name) as string
  }

  /** Sends, waits for the result, and writes down what is served then. */
  async send(name: string, input: object, action = 'Edit'): Promise<void> {
    const tags = [
      { name: 'Content-Type', value: 'application/json' },
      { name: 'Action', value: action },
    ]
    const target = this.id(name)
    const item = signedItem(this.network, this.#key, { target, tags, data: JSON.stringify(input) })
    const [submitted] = await this.node.api.submit([item])
    if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
    const { stage } = await this.node.api.waitFor(submitted.id, 'result', 20_000)
    if (stage !== 'evaluated') throw new Error(`is ${stage}`)
    await this.record(name)
  }

  async record(name: string): Promise<void> {
    const process = this.id(name)
    const state = await this.node.api.state(process)
    if (state === undefined) return
    const slots = this.states.get(process) ?? new Map<number, Recorded>()
    this.states.set(process, slots)
    slots.set(state.slot, state)
  }

  /** Until nothing is on its way any more. */
  async quiet(): Promise<void> {
    for (let before = '', same = 0; same < 20; ) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      const { partitions } = this.node.api.health()
      const now = JSON.stringify(partitions.map(({ height, evaluated }) => [height, evaluated]))
      same = now === before && partitions.every((p) => p.height === p.evaluated) ? same + 1 : 0
      before = now
    }
  }

  /** The log, to read, beside the node or without it. */
  async reader(): Promise<Log> {
    const log = await openEmbeddedReader(join(this.directory, 'log'))
    this.#closing.push(() => log.close())
    return log
  }

  /** A real sandbox and an empty store. */
  async bench(): Promise<{ evaluator: Evaluator; store: Store }> {
    const evaluator = await openEvaluator(this.network, 0)
    const store = createMemoryStore()
    this.#closing.push(() => evaluator.close())
    return { evaluator, store }
  }

  async stop(): Promise<void> {
    await this.node.close()
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close()
    await this.node.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}
