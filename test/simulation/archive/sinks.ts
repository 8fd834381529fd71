// The sinks of the simulated network and the archive that they write: started with the nodes,
// befallen by events of their own, and watched: what is committed is in the archive.
//
// Owners: run.ts. Invariant: where a plan has no sinks, nothing here plans anything.

import type { Network } from '../../../src/protocol/genesis.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Known } from '../invariants/known.ts'
import type { Invariants } from '../invariants/index.ts'
import { simWallet } from '../load/wallets.ts'
import { NODE_EVENTS } from '../network/node-events.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import { SECOND } from '../world/world.ts'
import { ArchiveWatch } from './archive-watch.ts'
import { ArchiveSite } from './archive-site.ts'
import type { ArchivePlan } from './plan.ts'
import { SimSink } from './sim-sink.ts'

const LOG = topicNames('hb').log
const GROUP = 'connect-arweave-sink'
/** What a sink writes down is synced: of its disk it loses nothing, or all. */
const EVENTS = [
  'kill',
  'kill',
  'stop',
  'crash-at-call',
  'crash-at-call',
  'freeze',
  'cut',
  'lose-disk',
  'clock',
] as const

export class Sinks {
  readonly site: ArchiveSite
  readonly plan: ArchivePlan
  /** What the log says. */
  readonly known: Known
  readonly #sim: SimNetwork
  readonly #watch: ArchiveWatch
  readonly #sinks: readonly SimSink[]
  readonly #random: Random
  readonly #partitions: number
  #isOver = false

  constructor(sim: SimNetwork, network: Network, plan: ArchivePlan, to: Invariants) {
    const { world, cluster, faults } = sim
    this.plan = plan
    this.known = to.known
    this.#sim = sim
    this.#random = world.random('sinks')
    this.site = new ArchiveSite(world, plan.rates)
    this.#partitions = network.genesis.partitions
    const sawDouble = (): void => world.saw('archive: heights are there twice')
    this.#watch = new ArchiveWatch(to, plan, sawDouble)
    this.site.onPosted = (host, id, tags) => {
      this.#watch.posted(host.slice(0, host.indexOf('.')), id, tags)
    }
    this.site.onKept = (id, tags) => this.#watch.keeps(id, tags)
    const onFailed = (name: string, partition: number, error: unknown): void => {
      world.trace(`${name} fails ${partition}: ${String(error)}`)
      sim.halts.push({ node: name, text: `${partition}: ${String(error)}` })
    }
    const { heightsMax } = plan
    const parts = { world, cluster, faults, site: this.site, network, heightsMax, onFailed }
    // its signatures differ each time, as those of RSA wallets do
    const signer = simWallet(this.#random)
    this.#sinks = Array.from({ length: plan.sinks }, (_, at) => {
      return new SimSink({ ...parts, name: `sink-${at}`, signer })
    })
    cluster.observers.push({
      committed: (group, partition, next) => {
        const { topic, index } = partition
        if (group === GROUP && topic.spec.name === LOG) this.#watch.committed(index, next)
      },
    })
  }

  start(): void {
    for (const sink of this.#sinks) sink.start()
    if (this.#sinks.length > 0 && this.plan.eventSeconds > 0) this.#later()
  }

  /** Nothing goes wrong any more, and every sink comes up. */
  heal(): void {
    this.#isOver = true
    this.site.heal()
    for (const sink of this.#sinks) {
      sink.clockErrorMs = 0
      sink.host.clockErrorMs = 0
      sink.host.crashAt = undefined
      sink.host.cutUntil = 0
      if (sink.host.isFrozen) sink.host.thaw()
      if (!sink.isUp) sink.start()
    }
  }

  scrap(): void {
    for (const sink of this.#sinks) sink.scrap()
  }

  /** What keeps the archive from being at the end of the log, by one sink. */
  missing(): string[] {
    if (this.#sinks.length === 0) return []
    const { cluster } = this.#sim
    return Array.from({ length: this.#partitions }, (_, at) => {
      const end = cluster.topics.get(LOG)?.partitions[at]?.records.length ?? 0
      const lag = end - (cluster.group(GROUP).committed(LOG, at) ?? 0)
      const owners = this.#sinks.filter(({ partitions }) => partitions.includes(at)).length
      return [
        ...(lag > 0 ? [`sink ${LOG}/${at}: ${lag}`] : []),
        ...(owners === 1 ? [] : [`sink ${at} is at ${owners} sinks`]),
      ]
    }).flat()
  }

  #later(): void {
    const { world } = this.#sim
    const random = this.#random
    world.after(this.plan.eventSeconds * 2 * random.float() * SECOND, () => {
      if (this.#isOver) return
      const sink = this.#sinks[random.below(this.#sinks.length)] as SimSink
      const kind = EVENTS[random.below(EVENTS.length)] as (typeof EVENTS)[number]
      if (sink.isUp && !sink.host.isFrozen) {
        world.trace(`mischief: ${kind} ${sink.name}`)
        world.saw(`sink: ${kind}`)
        if (kind === 'lose-disk') this.#watch.diskLost(sink.name)
        const scene = { network: this.#sim, random, isOver: () => this.#isOver }
        NODE_EVENTS[kind](scene, sink)
      }
      this.#later()
    })
  }
}
