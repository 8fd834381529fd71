// A network in a test: real nodes on a real log, with names for wallets and contracts, and a hand
// on its time, its broker and its nodes.
//
// Owners: the test, which closes it. Invariants: T1 whatever fails, what was opened is closed.
// T2 after `close` nothing of it runs and none of its files are left. T3 it is the nodes' own API
// that everything goes through: what a test sees, a client would see.

import type { Client } from '../client/index.ts'
import { createClient, messageFields, spawnFields, Wallet } from '../client/index.ts'
import type { MessageSpec } from '../client/index.ts'
import type { DryRunView, EntryView, NodeApi, NodeHealth } from '../node/index.ts'
import type { Log } from '../log/port.ts'
import type { DryRunSpec } from '../protocol/dry-run.ts'
import type { Network } from '../protocol/genesis.ts'
import { signedMessage } from '../protocol/signed.ts'
import { partitionOf } from '../protocol/topics.ts'
import { isIdText } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Faults, FaultyLog } from './log-faults.ts'
import type { LogKind, LogPlace } from './log-place.ts'
import type { Comparison } from './rebuilding.ts'
import { compareWithRebuilt } from './rebuilding.ts'
import { Sending, Sent } from './sending.ts'
import type { TestClock } from './test-clock.ts'
import { TestContract } from './test-contract.ts'
import type { ContractEngine, ContractSource, State } from './test-genesis.ts'
import { sourceOf, unknownName } from './test-genesis.ts'
import type { NodeRoles, TestNodes } from './test-nodes.ts'
import type { Settled, WaitOptions } from './watching.ts'
import { tagsOf, Watching } from './watching.ts'

/** The name of one of the network's wallets, or a wallet. */
export type Sender = string | Wallet

/** Action, tags, data and the rest, as the client has them. */
export type MessageOptions = Omit<MessageSpec, 'target'>

/** The message as `DryRunSpec` has it; `state`: the state after it, too. */
export type DryRunOptions = Omit<DryRunSpec, 'caller'> & { readonly state?: boolean }

/** `module`: hash of a source that the new process's partition knows. */
export type SpawnOptions = (ContractSource | { readonly module: string }) & ContractEngine & {
  readonly state?: State
  readonly tags?: Readonly<Record<string, string>>
} & WaitOptions

export type RestartOptions = {
  /** Default: as before. */
  readonly nodes?: NodeRoles
  /** The nodes begin with nothing but the log. Default: they keep their caches. */
  readonly dropCaches?: boolean
}

/** An entry of the log that was for somebody; `tag` has the first value of each tag. */
export type ReceivedView = EntryView & { readonly tag: Readonly<Record<string, string>> }

export type NetworkParts = {
  readonly network: Network
  readonly wallets: ReadonlyMap<string, Wallet>
  readonly place: LogPlace
  readonly log: FaultyLog
  readonly clock: TestClock
  readonly applicationId: string
  readonly roles: NodeRoles
  readonly timeoutMs: number
  readonly startNodes: (roles: NodeRoles) => Promise<TestNodes>
}

export class TestNetwork implements AsyncDisposable {
  /** Faults of the broker, as a test scripts them. */
  readonly faults: Faults
  readonly #o: NetworkParts
  readonly #sending: Sending
  readonly #watching: Watching
  readonly #extra = new Map<string, string>()
  #roles: NodeRoles
  #nodes: TestNodes | undefined
  #closing: Promise<void> | undefined

  constructor(parts: NetworkParts, nodes: TestNodes) {
    this.#o = parts
    this.#nodes = nodes
    this.#roles = parts.roles
    this.faults = parts.log.faults()
    this.#sending = new Sending(() => this.#running().api)
    this.#watching = new Watching({
      nodes: () => this.#running(),
      timeoutMs: parts.timeoutMs,
      isDown: () => parts.log.isDown,
    })
  }

  /** The network's id. */
  get id(): string {
    return this.#o.network.id
  }

  get logKind(): LogKind {
    return this.#o.place.kind
  }

  /** Prefix of topics and groups: on Kafka, a new one for each network. */
  get applicationId(): string {
    return this.#o.applicationId
  }

  /** The log itself, below the scripted faults. */
  get log(): Log {
    return this.#o.place.log
  }

  /** The API of the first node. */
  get api(): NodeApi {
    return this.#running().api
  }

  /** Throws `test-name-unknown`. */
  wallet(name: string): Wallet {
    const { wallets } = this.#o
    const wallet = wallets.get(name)
    if (wallet === undefined) throw unknownName(name, [...wallets.keys()])
    return wallet
  }

  /** A wallet's address or a contract's id, by its name; an id stays what it is. */
  address(name: string): string {
    const { wallets, network } = this.#o
    const { processIds } = network
    const known = wallets.get(name)?.address ?? processIds.get(name) ?? this.#extra.get(name)
    if (known !== undefined) return known
    if (isIdText(name)) return name
    throw unknownName(name, [...wallets.keys(), ...processIds.keys(), ...this.#extra.keys()])
  }

  /** A contract by its name in `startNetwork` or `spawn`, or by its id. */
  contract<S = Record<string, unknown>>(name: string): TestContract<S> {
    return new TestContract<S>(this, this.address(name))
  }

  /** To a contract by its name or id. */
  send(by: Sender, to: string, options: MessageOptions = {}): Sent {
    const spec = { ...options, target: this.address(to) }
    return this.#send(by, messageFields(this.#signedFor(), spec))
  }

  /**
   * What a message would do to a contract, sent by a wallet or (of its name or id) by another
   * contract; nothing is sent, and nothing changes.
   */
  async dryRun(by: Sender, to: string, options: DryRunOptions = {}): Promise<DryRunView> {
    const { state = false, ...fields } = options
    const id = this.address(to)
    const isWallet = by instanceof Wallet || this.#o.wallets.has(by)
    const caller = by instanceof Wallet ? by.address : this.address(by)
    const partition = partitionOf(id, this.#o.network.genesis.partitions)
    const api = this.#running().serving(partition)
    if (api === undefined) throw new HbError('process-unserved', `partition ${partition}`)
    return api.dryRun(id, { caller, from: isWallet ? 'wallet' : 'process', ...fields }, state)
  }

  /**
   * A contract that a wallet's message makes; with a name, it is known by it from then on. Throws
   * `test-contract-failed`, or why it cannot be bundled.
   */
  async spawn<S = Record<string, unknown>>(
    by: Sender,
    options: SpawnOptions & { readonly name?: string },
  ): Promise<TestContract<S>> {
    const { name, state, tags, engine } = options
    const spec = {
      ...('module' in options ? { module: options.module } : { source: await sourceOf(options) }),
      ...(engine && { engine }),
      ...(state && { state }),
      ...(tags && { tags }),
    }
    const sent = this.#send(by, spawnFields(this.#signedFor(), spec))
    const { status, code, text } = await sent.result(options)
    if (status === 'error') {
      throw new HbError('test-contract-failed', `${name ?? sent.process}: ${code}: ${text}`)
    }
    if (name !== undefined) this.#extra.set(name, sent.process)
    return new TestContract<S>(this, sent.process)
  }

  /** Signed bytes from elsewhere. */
  submit(item: Uint8Array): Sent {
    const { id, process } = signedMessage(this.#o.network, item)
    this.#running()
    return new Sent({ id, process }, this.#sending.submit(item), this.#watching)
  }

  /** When a message, by whomever, and everything it caused has come to rest. */
  settled(id: string, wait?: WaitOptions): Promise<Settled> {
    return this.#watching.settled(id, wait)
  }

  /** What came for a wallet or a contract, in order: notices to a wallet, for example. */
  async received(name: string): Promise<ReceivedView[]> {
    const process = this.address(name)
    const entries = await this.entries(partitionOf(process, this.#o.network.genesis.partitions))
    return entries
      .filter((entry) => entry.process === process)
      .map((entry) => ({ ...entry, tag: tagsOf(entry.tags) }))
  }

  /** The log of a partition as far as it is evaluated now. */
  async entries(partition: number): Promise<EntryView[]> {
    const api = this.#running().serving(partition)
    if (api === undefined) throw new HbError('process-unserved', `partition ${partition}`)
    const last = api.health().partitions[partition]?.evaluated ?? -1
    const entries: EntryView[] = []
    if (last < 0) return entries
    const stop = new AbortController()
    for await (const entry of api.tail(partition, 0, stop.signal)) {
      entries.push(entry)
      if (entry.height >= last) stop.abort()
    }
    return entries
  }

  /** The network's time, ms: what the next entry is stamped with, about. */
  now(): number {
    return this.#o.clock.now()
  }

  /** Moves the network's time forward. On Kafka: `test-clock-real`. */
  advance(ms: number): void {
    if (this.logKind === 'kafka') throw new HbError('test-clock-real', 'advance')
    this.#o.clock.advance(ms)
  }

  /** Ends the nodes in good order and starts others on the same log. */
  async restart({ nodes = this.#roles, dropCaches = false }: RestartOptions = {}): Promise<void> {
    const before = this.#running()
    if (this.#o.log.isDown) {
      throw new HbError('test-options-invalid', 'restart while the log is down: faults.up() first')
    }
    await this.#sending.idle()
    // where it fails from here on, there are no nodes, and all that is left is to close
    this.#nodes = undefined
    await before.close()
    await this.#o.place.reopen({ dropCaches })
    this.#roles = nodes
    this.#nodes = await this.#o.startNodes(nodes)
  }

  /**
   * All states again from the log alone, held against what the nodes have. `from`: another log that
   * should say the same, such as a copy.
   */
  rebuild({ from }: { readonly from?: Log } = {}): Promise<Comparison> {
    const { network, applicationId, timeoutMs } = this.#o
    const nodes = this.#running()
    const log = from ?? this.#o.log
    return compareWithRebuilt({ network, log, applicationId, nodes, timeoutMs })
  }

  health(): NodeHealth {
    return this.#running().api.health()
  }

  /** Addresses of the nodes: with `http: true`, or more than one node. */
  get urls(): readonly string[] {
    const { urls } = this.#running()
    if (urls.length > 0) return urls
    throw new HbError('test-options-invalid', 'no HTTP: say startNetwork({http: true, …})')
  }

  /** A client as programs have it, over HTTP. */
  client(): Client {
    return createClient({ url: this.urls, network: this.id })
  }

  /** The first node that knows. */
  find<T>(ask: (api: NodeApi) => Promise<T | undefined>): Promise<T | undefined> {
    return this.#running().find(ask)
  }

  /** Ends the nodes, closes the log, removes files. Safe to call again. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const nodes = this.#nodes
    this.#o.log.comeUp()
    try {
      await this.#sending.idle()
      this.#nodes = undefined
      await nodes?.close()
    } finally {
      this.#nodes = undefined
      await this.#o.place.close()
    }
  }

  #send(by: Sender, fields: Parameters<Wallet['sign']>[0]): Sent {
    const wallet = by instanceof Wallet ? by : this.wallet(by)
    return this.submit(wallet.sign(fields))
  }

  #signedFor(): { network: string; generation: number } {
    const { id, genesis } = this.#o.network
    return { network: id, generation: genesis.generation }
  }

  #running(): TestNodes {
    if (this.#nodes === undefined) throw new HbError('test-network-closed')
    return this.#nodes
  }
}
