// The load: wallets that send signed messages to any node that is up, send again until they are
// told that a message is durable, and now and then wait for its result or read a state.
//
// Invariants: L1 a message is signed once, and every byte that is sent is in the recorder before it
// is sent. L2 a wallet sends one message at a time, so that what it was told orders its messages.

import type { Client, Wallet } from '../../src/client/index.ts'
import { messageFields, spawnFields } from '../../src/client/index.ts'
import type { MessageSpec } from '../../src/client/index.ts'
import { parseDataItem } from '../../src/protocol/ans104/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { isHbError } from '../../src/std/errors.ts'
import type { Random } from '../../src/std/random.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { ChaosNetwork } from './chaos-network.ts'
import type { Recorder } from './recorder.ts'

export type LoadOptions = {
  readonly chaos: ChaosNetwork
  readonly wallets: readonly Wallet[]
  readonly random: Random
  readonly recorder: Recorder
  /** Of the nodes that are up, as far as is known; empty where none is. */
  readonly clients: () => readonly Client[]
  /** Of all wallets together, while nodes answer. */
  readonly messagesPerSecond: number
}

/** A message that is to be sent, with what its kind makes of it. */
type Item = { readonly bytes: Buffer; readonly id: string; readonly process: string }

const BUSY_DELAY_MS = 100
const WAIT_MS = 5_000
/** Counts its messages: the cheapest process that can be spawned. */
const COUNTER = `exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  return {}
}`
const PAST = 1_000

/** Ms that never step back, since the epoch. */
export function monotonicNow(): number {
  return performance.timeOrigin + performance.now()
}

export class Load {
  readonly #o: LoadOptions
  readonly #stop = new AbortController()
  #running: Promise<void>[] = []

  constructor(options: LoadOptions) {
    this.#o = options
  }

  start(): void {
    const { wallets, random } = this.#o
    this.#running = wallets.map((wallet) => this.#run(wallet, seededRandom(random.uint32())))
  }

  /** Resolves when every request under way has ended; what is not acknowledged then never is. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  async #run(wallet: Wallet, random: Random): Promise<void> {
    const { signal } = this.#stop
    const { wallets, messagesPerSecond } = this.#o
    const pauseMs = (1_000 * wallets.length) / messagesPerSecond
    await systemClock.sleep(random.below(pauseMs), signal)
    while (!signal.aborted) {
      const began = monotonicNow()
      await this.#turn(wallet, random)
      const took = monotonicNow() - began
      await systemClock.sleep(Math.max(0, pauseMs * (0.5 + random.float()) - took), signal)
    }
  }

  async #turn(wallet: Wallet, random: Random): Promise<void> {
    const item = this.#item(wallet, random)
    const { recorder } = this.#o
    const { id, process, bytes } = item
    const address = wallet.address
    recorder.submitted({ id, process, wallet: address, item: bytes, sentAt: monotonicNow() })
    if (!(await this.#send(item, random))) return
    // the same bytes once more, to whoever: one message all the same (R3)
    if (random.below(25) === 0) await this.#try(random, (client) => client.submit(bytes))
    if (random.below(4) === 0) {
      const stage = random.below(2) === 0 ? 'sequenced' : 'result'
      const status = await this.#try(random, (client) =>
        client.wait(id, { stage, timeoutMs: WAIT_MS }),
      )
      if (status !== undefined) recorder.status(status)
    }
    if (random.below(10) === 0) {
      const token = this.#one(this.#o.chaos.tokens, random)
      const state = await this.#try(random, (client) => client.state(token))
      if (state !== undefined) recorder.state(state)
    }
  }

  /** Until a node takes it: true. False where the load ends before. */
  async #send({ id, bytes }: Item, random: Random): Promise<boolean> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      if ((await this.#try(random, (client) => client.submit(bytes))) !== undefined) {
        this.#o.recorder.acknowledged(id, monotonicNow())
        return true
      }
      await systemClock.sleep(BUSY_DELAY_MS, signal)
    }
    return false
  }

  /** One request to one node; undefined where it failed. What is no HbError is a bug of ours. */
  async #try<T>(random: Random, ask: (client: Client) => Promise<T>): Promise<T | undefined> {
    const clients = this.#o.clients()
    if (clients.length === 0) return undefined
    try {
      return await ask(this.#one(clients, random))
    } catch (error) {
      if (!isHbError(error)) throw error
      this.#o.recorder.failed(error.code)
      return undefined
    }
  }

  #item(wallet: Wallet, random: Random): Item {
    const { network } = this.#o.chaos
    const place = { network: network.id, generation: network.genesis.generation }
    if (random.below(100) === 0) {
      const bytes = wallet.sign(spawnFields(place, { source: COUNTER, state: { count: 0 } }))
      const { id } = parseDataItem(bytes)
      return { bytes, id, process: id }
    }
    const spec = this.#spec(wallet, random)
    const bytes = wallet.sign(messageFields(place, spec))
    return { bytes, id: parseDataItem(bytes).id, process: spec.target }
  }

  #spec(wallet: Wallet, random: Random): MessageSpec {
    const { tokens, players } = this.#o.chaos
    const dice = random.below(100)
    if (dice < 20) {
      return { target: this.#one(players, random), action: 'Serve', hops: 2 + random.below(12) }
    }
    const target = this.#one(tokens, random)
    if (dice < 23) return { target, action: 'Balance', expires: PAST }
    if (dice < 26) return { target, action: 'Nonsense' }
    const quantity = dice < 29 ? '99999999999' : String(1 + random.below(50))
    const recipient =
      dice < 65
        ? this.#one(this.#o.wallets, random).address
        : this.#one(dice < 85 ? players : tokens, random)
    const tags = { Recipient: recipient, Quantity: quantity, Reference: wallet.address.slice(0, 8) }
    return { target, action: 'Transfer', tags }
  }

  #one<T>(list: readonly T[], random: Random): T {
    return list[random.below(list.length)] as T
  }
}
