// A network on up to two OS processes with all roles each, partition 0 with very many entries, and
// ping-pong under way between all partitions.
// Owners: main.ts opens one a run, for all rows of takeovers; whoever opened it closes it.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateWallet, messageFields } from '../../src/client/index.ts'
import type { NodeHealth } from '../../src/node/api.ts'
import type { Log } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { partitionOf, topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { startWatchdog } from '../../test/support/watchdog.ts'
import type { Watchdog } from '../../test/support/watchdog.ts'
import type { PingPong } from '../bench-node.ts'
import {
  contractSource,
  PARTITIONS,
  pingPongNetwork,
  placed,
  temporaryDirectory,
} from '../bench-node.ts'
import type { KafkaBench } from './broker.ts'
import { until } from './deadline.ts'
import { openBenchLog } from './kafka-node.ts'
import { fillIngress } from './long-partition.ts'
import type { NodeProcess } from './node-process.ts'
import { startNodeProcess } from './node-process.ts'
import { Stalls } from './stalls.ts'

const ROLES = ['sequencer', 'dre', 'relayer'] as const
const LONG_PARTITION = 0
/** A million entries take minutes to be ordered and evaluated. */
const FILL_MS_MAX = 1_800_000
/** So long nothing may have moved. */
const CALM_MS = 8_000
const CALM_MS_QUICK = 3_000

/** Entries come all the time: so many a copy may be behind what it last saw of the log's end. */
const WARM_LAG_MAX = 1_000
/** Sequencers and DREs. */
const WARM_ROLES = 2

type Slot = { readonly directory: string; node: NodeProcess | undefined }

export type Owned = {
  readonly slot: number
  /** Of any of its roles. */
  readonly partitions: ReadonlySet<number>
  /** "sequencer 0 1, dre 0 2, relayer 0 1". */
  readonly told: string
}

export class TakeoverNetwork {
  readonly #bench: KafkaBench
  readonly #game: PingPong
  readonly #log: Log
  readonly #directory: string
  readonly #applicationId: string
  readonly #slots: readonly Slot[]
  readonly #watchdog: Watchdog
  readonly stalls: Stalls
  /** How the long partition was made, in words. */
  made = ''

  private constructor(bench: KafkaBench, game: PingPong, log: Log, directory: string) {
    this.#bench = bench
    this.#game = game
    this.#log = log
    this.#directory = directory
    this.#applicationId = bench.freshId()
    this.#watchdog = startWatchdog(directory)
    this.#slots = ['one', 'two'].map((name) => {
      return { directory: join(directory, name), node: undefined }
    })
    this.stalls = new Stalls(log, topicNames(this.#applicationId).log, game.pairOf)
  }

  static async open(bench: KafkaBench): Promise<TakeoverNetwork> {
    const counter = placed('counter', LONG_PARTITION)
    const source = await contractSource('counter')
    const game = await pingPongNetwork(bench.plan.takeover.pairs, [
      { name: 'counter', nonce: counter.nonce, engine: 'quickjs', source, state: { count: 0 } },
    ])
    const log = await openBenchLog(bench)
    const opened = new TakeoverNetwork(bench, game, log, await temporaryDirectory())
    try {
      await opened.#begin(counter.id)
      return opened
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  get network(): Network {
    return this.#game.network
  }

  /** Starts the node of a slot; with nothing of it kept on disk, where it is to be `empty`. */
  async start(slot: number, { empty = false } = {}): Promise<void> {
    const place = this.#slot(slot)
    if (place.node !== undefined) return
    if (empty) await rm(place.directory, { recursive: true, force: true })
    await mkdir(place.directory, { recursive: true })
    place.node = await startNodeProcess({
      bootstrapServers: this.#bench.bootstrapServers,
      applicationId: this.#applicationId,
      genesisFile: this.#genesisFile,
      directory: place.directory,
      standbys: 1,
      watchdog: this.#watchdog,
    })
  }

  /** Resolves when the OS process is gone. */
  async end(slot: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const place = this.#slot(slot)
    const { node } = place
    place.node = undefined
    await node?.end(signal)
  }

  get running(): number[] {
    return this.#slots.flatMap(({ node }, slot) => (node === undefined ? [] : [slot]))
  }

  /** Resolves when all partitions have had their owners for a while, among those that run alone. */
  async calm(): Promise<void> {
    const calmMs = this.#bench.plan.isQuick ? CALM_MS_QUICK : CALM_MS
    let before = ''
    let since = performance.now()
    await until('the groups are calm', async () => {
      await sleep(200)
      const now = await this.#assignment()
      if (now === before && now !== '') return performance.now() - since > calmMs
      before = now
      since = performance.now()
      return false
    })
  }

  /** Resolves when every partition has a warm copy beside its owner, of each role that keeps one. */
  async warm(): Promise<void> {
    await until('the standbys are warm', async () => {
      await sleep(200)
      let copies = 0
      for (const slot of this.running) {
        for (const { standbyLag } of await this.#health(slot)) {
          for (const lag of Object.values(standbyLag ?? {})) {
            if (lag !== null && lag <= WARM_LAG_MAX) copies++
          }
        }
      }
      return copies === PARTITIONS * WARM_ROLES
    })
  }

  /** The node whose DRE owns the long partition, and all that it owns. */
  async owner(): Promise<Owned> {
    const byRole = await Promise.all(ROLES.map((role) => this.#members(role)))
    const dre = byRole[1]?.find(({ partitions }) => partitions.includes(LONG_PARTITION))
    const slot = this.#slots.findIndex(({ node }) => node?.address === dre?.address)
    if (dre === undefined || slot < 0) throw new Error('the long partition has no owner')
    const own = byRole.map((members) => members.find(({ address }) => address === dre.address))
    const partitions = new Set(own.flatMap((member) => member?.partitions ?? []))
    const told = ROLES.map((role, at) => {
      return `${role} ${(own[at]?.partitions ?? []).toSorted((a, b) => a - b).join(' ')}`
    })
    return { slot, partitions, told: told.join(', ') }
  }

  /** Pairs with a process in one of the partitions. */
  pairsIn(partitions: ReadonlySet<number>): Set<number> {
    const pairs = new Set<number>()
    for (const [process, pair] of this.#game.pairOf) {
      if (partitions.has(partitionOf(process, PARTITIONS))) pairs.add(pair)
    }
    return pairs
  }

  async close(): Promise<void> {
    await this.stalls.stop()
    for (const slot of this.running) await this.end(slot, 'SIGKILL')
    await this.#log.close()
    await this.#watchdog.close()
    await this.#bench.removeTopics(this.#applicationId)
  }

  async #begin(counter: string): Promise<void> {
    const topics = topicNames(this.#applicationId)
    await writeFile(this.#genesisFile, JSON.stringify(this.network.genesis))
    await this.#log.provision(topicSpecs(topics, PARTITIONS))
    await this.start(0)
    const { entries: count } = this.#bench.plan.takeover
    const begun = performance.now()
    const caller = this.#game.first[0] as string
    const filling = { topic: topics.ingress, partition: LONG_PARTITION, caller, target: counter }
    await fillIngress(this.#log, { ...filling, count })
    await until(`${count} entries`, async () => (await this.#evaluated()) >= count, FILL_MS_MAX)
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
    this.made = `${count} entries of partition ${LONG_PARTITION} made in ${seconds} s`
    await this.#serve()
    await this.stalls.start()
  }

  get #genesisFile(): string {
    return join(this.#directory, 'genesis.json')
  }

  async #evaluated(): Promise<number> {
    await sleep(200)
    return (await this.#health(0))[LONG_PARTITION]?.evaluated ?? 0
  }

  async #health(slot: number): Promise<NodeHealth['partitions']> {
    const answer = await fetch(`${this.#slot(slot).node?.address}/healthz`)
    return ((await answer.json()) as NodeHealth).partitions
  }

  /** The first ball of each pair, straight into ingress. */
  async #serve(): Promise<void> {
    const wallet = await generateWallet('ed25519')
    const codec = new Records()
    const place = { network: this.network.id, generation: 0 }
    const { ingress } = topicNames(this.#applicationId)
    for (const target of this.#game.first) {
      const item = wallet.sign(messageFields(place, { target, action: 'Serve' }))
      const value = codec.encodeIngress({ type: 'signed', item })
      await this.#log.append(ingress, partitionOf(target, PARTITIONS), [{ key: target, value }])
    }
  }

  /** '' unless every partition has an owner that runs, in every group. */
  async #assignment(): Promise<string> {
    const running = this.#slots.flatMap(({ node }) => node?.address ?? [])
    const groups = await Promise.all(ROLES.map((role) => this.#members(role)))
    for (const members of groups) {
      const owned = members.flatMap(({ partitions }) => partitions)
      const addresses = members.map(({ address = '' }) => address).sort()
      const isWhole = new Set(owned).size === PARTITIONS
      if (!isWhole || addresses.join() !== running.toSorted().join()) return ''
    }
    return JSON.stringify(groups)
  }

  #members(role: string) {
    return this.#log.members(`${this.#applicationId}.${role}`)
  }

  #slot(slot: number): Slot {
    return this.#slots[slot] as Slot
  }
}
