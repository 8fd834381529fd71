// The three roles on a memory log, each of which may die and come back, and what must hold of the
// log at the end.

import { expect } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { View } from '../../src/protocol/accept.ts'
import { initialView } from '../../src/protocol/accept.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { GenesisOptions } from '../../src/protocol/genesis.ts'
import { readRecord } from '../../src/protocol/log-reader.ts'
import type { Result } from '../../src/protocol/result.ts'
import { resultLeaf } from '../../src/protocol/result.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf, topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { DreService, rebuild } from '../../src/dre/index.ts'
import type { DreLimits, DreListener } from '../../src/dre/index.ts'
import { RelayerService } from '../../src/relayer/index.ts'
import type { RelayerLimits } from '../../src/relayer/index.ts'
import { SequencerService } from '../../src/sequencer/index.ts'
import type { WriterSchemas } from '../../src/schemas/port.ts'
import type { SequencerLimits, SequencerListener } from '../../src/sequencer/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import type { Evaluator } from '../../src/runtime/evaluator/port.ts'
import { asBuffer, toBase64Url } from '../../src/std/bytes.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { Clock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { createInlineVerifier } from '../../src/verifier/index.ts'
import type { SigningKey, Tag } from '../../src/protocol/ans104/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { CONTRACTS } from './contracts.ts'
import type { Life } from './mortal.ts'
import { die, mortalClock, mortalLog, mortalStore, newLife } from './mortal.ts'
import { plainEvaluator } from './plain-evaluator.ts'

export const TOPICS = topicNames('hb')
export const RECORDS = new Records()

/** A role that runs: `kill` ends it without a goodbye, `stop` in good order. */
export type Running<T> = {
  readonly service: T
  readonly life: Life
  readonly halted: { partition: number; error: unknown }[]
  kill(): Promise<void>
  stop(): Promise<void>
}

export type Start = { log?: Log; life?: Life; store?: Store; clock?: Clock; standbys?: number }

/**
 * A network of genesis processes `<contract>-<partition>`, one of each contract in each partition.
 */
export function rigNetwork(
  contracts: readonly string[] = ['walk'],
  options: Partial<GenesisOptions> = {},
): Network {
  const partitions = options.partitions ?? 3
  const processes = contracts.flatMap((source) =>
    Array.from({ length: partitions }, (_, partition) => {
      const name = `${source}-${partition}`
      const nonce = grindNonce('salt', name, partition, partitions)
      return { name, nonce, engine: 'quickjs' as const, source, state: { count: 0 } }
    }),
  )
  const sandbox = SANDBOX
  return openNetwork(
    makeGenesis({ name: 'rig', salt: 'salt', partitions, sandbox, processes, ...options }),
  )
}

export class Rig {
  readonly network: Network
  readonly log: Log
  readonly key: SigningKey = ed25519Key()
  /** Ids of all wallet messages that were put into ingress. */
  readonly sent: string[] = []
  readonly #running = new Set<Running<{ stop(): Promise<void> }>>()

  private constructor(network: Network, log: Log) {
    this.network = network
    this.log = log
  }

  static async open(network: Network, wrap: (log: Log) => Log = (log) => log): Promise<Rig> {
    const log = wrap(createMemoryLog({ drainTimeoutMs: 20 }))
    await log.provision(topicSpecs(TOPICS, network.genesis.partitions))
    return new Rig(network, log)
  }

  id(name: string): string {
    return this.network.processIds.get(name) as string
  }

  evaluator(): Evaluator {
    return plainEvaluator(this.network, CONTRACTS)
  }

  /** A signed item of this rig's wallet. `data` that is no text becomes JSON. */
  item(target: string, data: unknown = '', tags: readonly Tag[] = []): Buffer {
    const json = typeof data !== 'string'
    const all = json ? [{ name: 'Content-Type', value: 'application/json' }, ...tags] : tags
    const text = json ? JSON.stringify(data) : data
    return signedItem(this.network, this.key, { target, tags: all, data: text })
  }

  spawn(source: string, state: object = {}): Buffer {
    return this.item('', { source, state }, [{ name: 'HB-Type', value: 'Process' }])
  }

  /** Straight into ingress, as any Kafka client may. Returns the ids. */
  async send(...items: readonly Buffer[]): Promise<string[]> {
    const ids: string[] = []
    for (const item of items) {
      const { id, process } = signedMessage(this.network, item)
      const value = RECORDS.encodeIngress({ type: 'signed', item })
      const partition = partitionOf(process, this.network.genesis.partitions)
      await this.log.append(TOPICS.ingress, partition, [{ key: process, value }])
      ids.push(id)
    }
    this.sent.push(...ids)
    return ids
  }

  async sequencer(
    start: Start & {
      listener?: SequencerListener
      limits?: Partial<SequencerLimits>
      schemas?: WriterSchemas
    } = {},
  ): Promise<Running<SequencerService>> {
    const { life = newLife(), log = this.log, store = createMemoryStore() } = start
    const halted: { partition: number; error: unknown }[] = []
    const service = new SequencerService({
      network: this.network,
      log: mortalLog(log, life),
      store: mortalStore(store, life),
      verifier: createInlineVerifier(),
      clock: mortalClock(start.clock ?? systemClock, life),
      ...(start.schemas !== undefined && { schemas: start.schemas }),
      ...(start.standbys !== undefined && { standbys: start.standbys }),
      limits: { headIntervalMs: 5, retryDelayMs: 1, logEndWaitMsMax: 20, ...start.limits },
      listener: {
        ...start.listener,
        halted: (partition, error) => {
          halted.push({ partition, error })
          start.listener?.halted?.(partition, error)
        },
      },
    })
    return this.#start(service, life, halted)
  }

  async dre(
    start: Start & {
      evaluator?: Evaluator
      limits?: Partial<DreLimits>
      listener?: DreListener
    } = {},
  ): Promise<Running<DreService>> {
    const { life = newLife(), log = this.log, store = createMemoryStore() } = start
    const halted: { partition: number; error: unknown }[] = []
    const service = new DreService({
      network: this.network,
      log: mortalLog(log, life),
      store: mortalStore(store, life),
      evaluator: start.evaluator ?? this.evaluator(),
      clock: mortalClock(systemClock, life),
      ...(start.standbys !== undefined && { standbys: start.standbys }),
      limits: { logEndWaitMsMax: 20, standbyRetryMs: 20, ...start.limits },
      listener: {
        ...start.listener,
        halted: (partition, error) => {
          halted.push({ partition, error })
          start.listener?.halted?.(partition, error)
        },
      },
    })
    return this.#start(service, life, halted)
  }

  async relayer(
    start: Start & { limits?: Partial<RelayerLimits> } = {},
  ): Promise<Running<RelayerService>> {
    const { life = newLife(), log = this.log } = start
    const halted: { partition: number; error: unknown }[] = []
    const service = new RelayerService({
      network: this.network,
      log: mortalLog(log, life),
      clock: mortalClock(start.clock ?? systemClock, life),
      limits: { retryDelayMs: 1, stallMs: 60, ...start.limits },
      onHalted: (partition, error) => halted.push({ partition, error }),
    })
    return this.#start(service, life, halted)
  }

  async #start<T extends { start(): Promise<void>; stop(): Promise<void> }>(
    service: T,
    life: Life,
    halted: { partition: number; error: unknown }[],
  ): Promise<Running<T>> {
    await service.start()
    const running: Running<T> = {
      service,
      life,
      halted,
      kill: async () => {
        this.#running.delete(running)
        await die(life)
      },
      stop: async () => {
        this.#running.delete(running)
        await (life.alive ? service.stop() : die(life))
      },
    }
    this.#running.add(running)
    return running
  }

  async close(): Promise<void> {
    for (const running of [...this.#running]) await running.stop()
    await this.log.close()
  }

  /** The accepted entries of a partition, and the view after them. */
  async chain(partition: number): Promise<{ entries: Entry[]; view: View; superseded: number }> {
    const { id, genesis } = this.network
    const view = initialView(id, partition, genesis.partitions)
    const entries: Entry[] = []
    let superseded = 0
    for await (const value of this.values(TOPICS.log, partition)) {
      const read = readRecord(this.network, RECORDS, view, value)
      if (read.type === 'entry') entries.push(read.entry)
      if (read.type === 'superseded') superseded += 1
    }
    return { entries, view, superseded }
  }

  /** Published results by height; throws where two publications of one height differ. */
  async results(partition: number): Promise<Result[]> {
    const results: Result[] = []
    for await (const value of this.values(TOPICS.outbox, partition)) {
      for (const result of RECORDS.decodeRun(asBuffer(value as Uint8Array)).results) {
        const before = results[result.height]
        if (before === undefined) results[result.height] = result
        else if (this.leaf(partition, before) !== this.leaf(partition, result)) {
          throw new Error(`two results of partition ${partition}, height ${result.height}`)
        }
      }
    }
    return results
  }

  leaf(partition: number, result: Result): string {
    return toBase64Url(resultLeaf(this.network.id, partition, result))
  }

  async *values(topic: string, partition: number): AsyncIterable<Uint8Array | null> {
    for (let from = (await this.log.ends(topic))[partition]?.start ?? 0; ; ) {
      const read = await this.log.read(topic, partition, from)
      for (const { value } of read.records) yield value
      if (read.records.length === 0) return
      from = read.next
    }
  }

  /** Waits until everything is ordered, evaluated and relayed; fails with what is missing. */
  async quiet(timeoutMs = 8_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (let why = await this.#missing(); why !== undefined; why = await this.#missing()) {
      if (Date.now() > deadline) {
        const halted = [...this.#running].flatMap((running) => running.halted)
        throw new Error(`not quiet: ${why}; halted: ${halted.map((h) => String(h.error)).join()}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async #missing(): Promise<string | undefined> {
    const all = await this.everything()
    const ordered = new Set(all.flatMap(({ entries }) => entries.map(({ message }) => message.id)))
    const absent = this.sent.filter((id) => !ordered.has(id)).length
    if (absent > 0) return `${absent} sent messages are not ordered`
    for (const [partition, { entries, results, emitted }] of all.entries()) {
      if (results.length < entries.length) {
        return `partition ${partition} has ${entries.length} entries, ${results.length} results`
      }
      for (const [target, count] of emitted.entries()) {
        const settled = all[target]?.view.counters[partition] ?? 0
        if (settled < count) return `channel ${partition}→${target} is at ${settled} of ${count}`
      }
    }
    return undefined
  }

  async everything(): Promise<
    { entries: Entry[]; view: View; superseded: number; results: Result[]; emitted: number[] }[]
  > {
    const { partitions } = this.network.genesis
    const all = []
    for (let partition = 0; partition < partitions; partition++) {
      const results = await this.results(partition)
      const emitted = new Array<number>(partitions).fill(0)
      for (const result of results) {
        for (const message of result?.messages ?? []) {
          if (message.kind === 'event' || message.kind === 'spawn') continue
          const target = partitionOf(message.target, partitions)
          emitted[target] = Math.max(emitted[target] ?? 0, message.seq)
        }
      }
      all.push({ ...(await this.chain(partition)), results, emitted })
    }
    return all
  }

  /** Every message once, every emitted message in its place, and a rebuild from the log agrees. */
  async check(): Promise<void> {
    const all = await this.everything()
    const ids = all.flatMap(({ entries }) => entries.map(({ message }) => message.id))
    expect(new Set(ids).size).toBe(ids.length)
    const known = new Set(ids)
    expect(this.sent.filter((id) => !known.has(id))).toEqual([])
    const fromProcesses = all.flatMap(({ entries }) =>
      entries.flatMap(({ message }) => (message.from === 'process' ? [message] : [])),
    )
    const emitted = all.flatMap(({ results }) =>
      results.flatMap(({ messages }) => messages.filter(({ kind }) => kind !== 'event')),
    )
    expect(fromProcesses.length).toBe(emitted.length)
    for (const [partition, { entries, results }] of all.entries()) {
      const rebuilt: string[] = []
      const fresh = { evaluator: this.evaluator(), store: createMemoryStore() }
      await rebuild({
        network: this.network,
        log: this.log,
        partition,
        ...fresh,
        onResult: ({ result }) => rebuilt.push(this.leaf(partition, result)),
      })
      expect(rebuilt).toEqual(results.map((result) => this.leaf(partition, result)))
      expect(results.length).toBe(entries.length)
    }
  }
}
