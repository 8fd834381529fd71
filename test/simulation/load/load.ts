// The wallets at work: each sends one message at a time to whatever node answers, again until one
// says that it is durable; now and then it sends an earlier message again, or waits for the result.
//
// Invariants: L1 a message is signed once, and recorded before it is sent. L2 a wallet sends one
// message at a time, so that what it was told orders its messages.

import type { MessageStatus, NodeApi, Submitted } from '../../../src/node/index.ts'
import { signedMessage } from '../../../src/protocol/signed.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { Recorder } from '../../chaos/recorder.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import type { SimNode } from '../network/sim-node.ts'
import type { SimPlan } from '../plan.ts'
import { Host } from '../world/host.ts'
import { MS } from '../world/world.ts'
import type { World } from '../world/world.ts'
import type { WorkloadName } from './all.ts'
import type { SimWallet } from './wallets.ts'
import type { Draft, Ingress, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const REQUEST_MS = 4_000
const BUSY_MS = 200
const WAIT_MS = 3_000
/** Messages of a wallet that it may send again. */
const REMEMBERED = 16
/** Why a time-out is no longer waited for; without a reason, Node makes an error of each. */
const ENDED = 'ended'

export type LoadOptions = {
  readonly world: World
  readonly sim: SimNetwork
  readonly network: Network
  readonly plan: SimPlan
  readonly wallets: readonly SimWallet[]
  readonly workloads: readonly Workload[]
  readonly recorder: Recorder
  /** Instead of the workloads' own. */
  readonly draft?: Workload['draft']
}

export class Load {
  readonly #o: LoadOptions
  readonly #stop = new AbortController()
  readonly #random: Random
  readonly #ingress: Ingress
  /** What no node may answer, and one did. */
  readonly violations: Violation[] = []
  #running = 0

  constructor(options: LoadOptions) {
    this.#o = options
    this.#random = options.world.random('load')
    this.#ingress = ingressOf(options.world, options.sim)
  }

  start(): void {
    for (const wallet of this.#o.wallets) {
      this.#running += 1
      this.#run(wallet).then(
        () => void (this.#running -= 1),
        (error: unknown) => this.#o.world.fail(error),
      )
    }
  }

  /** What is under way is ended; what is not acknowledged then never is. */
  stop(): void {
    this.#stop.abort()
  }

  get isOver(): boolean {
    return this.#running === 0
  }

  async #run(wallet: SimWallet): Promise<void> {
    const { world, wallets, plan } = this.#o
    const { signal } = this.#stop
    const host = new Host(world, `wallet-${wallets.indexOf(wallet)}`)
    const sentBefore: Buffer[] = []
    const pauseMs = (1_000 * wallets.length) / plan.messagesPerSecond
    await host.clock.sleep(this.#random.below(pauseMs), signal)
    while (!signal.aborted) {
      const began = world.now
      await this.#turn(host, wallet, sentBefore)
      const tookMs = (world.now - began) / MS
      const pause = pauseMs * (0.5 + this.#random.float()) - tookMs
      await host.clock.sleep(Math.max(0, pause), signal)
    }
  }

  async #turn(host: Host, wallet: SimWallet, sentBefore: Buffer[]): Promise<void> {
    const draft = this.#draft(host, wallet)
    if (draft === undefined) return
    if ('refused' in draft) return this.#expectRefusal(host, draft)
    const bytes = 'bytes' in draft ? draft.bytes : wallet.sign(draft.fields)
    const { recorder, network, world } = this.#o
    const { id, process } = signedMessage(network, bytes)
    const sent = { id, process, wallet: wallet.address, item: bytes, sentAt: world.now }
    recorder.submitted(sent)
    const times = 'times' in draft ? (draft.times ?? 1) : 1
    const all = Array.from({ length: times }, () => this.#send(host, id, bytes))
    if (!(await Promise.all(all)).includes(true)) return
    sentBefore.push(bytes)
    if (sentBefore.length > REMEMBERED) sentBefore.shift()
    // the same bytes once more, to whoever: one message all the same (R3)
    if (this.#random.below(8) === 0) {
      const again = oneOf(this.#random, sentBefore)
      await this.#ask(host, (api) => api.submit([again]))
    }
    if (this.#random.below(4) !== 0) return
    const stage = this.#random.below(2) === 0 ? 'sequenced' : 'result'
    const status = await this.#ask<MessageStatus>(host, (api) => api.waitFor(id, stage, WAIT_MS))
    if (status !== undefined) recorder.status(status)
  }

  #draft(host: Host, wallet: SimWallet): Draft | undefined {
    const { network, wallets } = this.#o
    const turn: Turn = {
      network,
      random: this.#random,
      wallet,
      wallets,
      nowMs: host.clock.now(),
      generation: network.genesis.generation,
      ingress: this.#ingress,
    }
    return (this.#o.draft ?? this.#workload().draft)(turn)
  }

  #workload(): Workload {
    const { workloads, plan } = this.#o
    const weight = ({ name }: Workload): number => plan.weights[name as WorkloadName] ?? 1
    let drawn = this.#random.below(workloads.reduce((sum, each) => sum + weight(each), 0))
    return workloads.find((each) => (drawn -= weight(each)) < 0) as Workload
  }

  /** A node that answers at all must refuse it, and say why. */
  async #expectRefusal(
    host: Host,
    { refused, code }: { readonly refused: Buffer; readonly code: string },
  ): Promise<void> {
    const answers = await this.#ask<Submitted[]>(host, (api) => api.submit([refused]))
    const [answer] = answers ?? []
    if (answer === undefined) return
    const said = 'error' in answer ? answer.error.code : 'accepted'
    if (said === code) return this.#o.world.saw(`refused at the door: ${code}`)
    const text = `a node says ${said} where it must refuse as ${code}`
    this.violations.push({ invariant: 'refused-at-the-door', text })
  }

  async #send(host: Host, id: string, bytes: Buffer): Promise<boolean> {
    const { signal } = this.#stop
    const { recorder, world } = this.#o
    while (!signal.aborted) {
      const answers = await this.#ask<Submitted[]>(host, (api) => api.submit([bytes]))
      const [answer] = answers ?? []
      if (answer !== undefined && 'id' in answer) {
        recorder.acknowledged(id, world.now)
        return true
      }
      await host.clock.sleep(BUSY_MS, signal)
    }
    return false
  }

  /** One request to one node; undefined where it failed. */
  async #ask<T>(host: Host, ask: (api: NodeApi) => Promise<T>): Promise<T | undefined> {
    const { sim, recorder } = this.#o
    const { nodes } = sim
    const node = nodes[this.#random.below(nodes.length)] as SimNode
    const stop = new AbortController()
    const done = new AbortController()
    const abort = (): void => stop.abort()
    this.#stop.signal.addEventListener('abort', abort, { once: true })
    void host.clock.sleep(REQUEST_MS, done.signal).then(abort)
    try {
      const { status, text } = await sim.http.request(host, node.address, stop.signal, ask)
      if (status === 200) return JSON.parse(text) as T
      recorder.failed(text)
      return undefined
    } catch (error) {
      recorder.failed(String(error))
      return undefined
    } finally {
      this.#stop.signal.removeEventListener('abort', abort)
      done.abort(ENDED)
    }
  }
}

function ingressOf(world: World, { cluster }: SimNetwork): Ingress {
  const topic = topicNames('hb').ingress
  return {
    append: (index, record) => {
      const partition = cluster.topics.get(topic)?.partitions[index]
      if (partition === undefined || cluster.isDown(partition)) return undefined
      cluster.checkBatch(partition.topic, [record])
      world.trace(`a client puts a record into ${topic}[${index}]`)
      return cluster.append(partition, [record], 'client')
    },
    records: (index) => cluster.topics.get(topic)?.partitions[index]?.records ?? [],
  }
}
