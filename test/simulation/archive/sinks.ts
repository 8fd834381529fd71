// The sinks of the simulated network and the archive that they write: started with the nodes,
// befallen by events of their own, and watched: what is committed is in the archive.
//
// Owners: run.ts. Invariant: where a plan has no sinks, nothing here plans anything.

import type { Network } from '../../../src/protocol/genesis.ts'
import { rangeOf } from '../../../src/protocol/segment.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import type { Tag } from '../../../src/protocol/message.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import { Wallet } from '../../../src/client/index.ts'
import type { Partition } from '../broker/cluster.ts'
import type { Known } from '../invariants/known.ts'
import { simKey } from '../load/wallets.ts'
import { NODE_EVENTS } from '../network/node-events.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import { SECOND } from '../world/world.ts'
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
  readonly violations: Violation[] = []
  readonly #sim: SimNetwork
  readonly #known: Known
  readonly #sinks: readonly SimSink[]
  readonly #random: Random
  /** Per partition, first and last heights of what is kept. */
  readonly #kept: [from: number, to: number][][]
  #isOver = false

  constructor(sim: SimNetwork, network: Network, plan: ArchivePlan, known: Known) {
    const { world, cluster, faults } = sim
    this.plan = plan
    this.#sim = sim
    this.#known = known
    this.#random = world.random('sinks')
    this.site = new ArchiveSite(world, plan.rates)
    this.site.onKept = (_, tags) => this.#keeps(tags)
    this.#kept = Array.from({ length: network.genesis.partitions }, () => [])
    const onFailed = (name: string, partition: number, error: unknown): void => {
      world.trace(`${name} fails ${partition}: ${String(error)}`)
      sim.halts.push({ node: name, text: `${partition}: ${String(error)}` })
    }
    const { heightsMax } = plan
    const parts = { world, cluster, faults, site: this.site, network, heightsMax, onFailed }
    const signer = new Wallet(simKey(this.#random))
    this.#sinks = Array.from({ length: plan.sinks }, (_, at) => {
      return new SimSink({ ...parts, name: `sink-${at}`, signer })
    })
    cluster.observers.push({
      committed: (group, partition, next) => {
        if (group === GROUP && partition.topic.spec.name === LOG) this.#committed(partition, next)
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

  kill(): void {
    for (const sink of this.#sinks) sink.kill()
  }

  /** What keeps the archive from being at the end of the log, by one sink. */
  missing(): string[] {
    if (this.#sinks.length === 0) return []
    const { cluster } = this.#sim
    return this.#kept.flatMap((_, at) => {
      const end = cluster.topics.get(LOG)?.partitions[at]?.records.length ?? 0
      const lag = end - (cluster.group(GROUP).committed(LOG, at) ?? 0)
      const owners = this.#sinks.filter(({ partitions }) => partitions.includes(at)).length
      return [
        ...(lag > 0 ? [`sink ${LOG}/${at}: ${lag}`] : []),
        ...(owners === 1 ? [] : [`sink ${at} is at ${owners} sinks`]),
      ]
    })
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
        const scene = { network: this.#sim, random, isOver: () => this.#isOver }
        NODE_EVENTS[kind](scene, sink)
      }
      this.#later()
    })
  }

  #keeps(tags: readonly Tag[]): void {
    if (tagValue(tags, 'HB-Type') !== 'Segment') return
    const { partition, from, to } = rangeOf(tags)
    const kept = this.#kept[partition]
    if (kept?.some((each) => each[0] <= to && from <= each[1]) === true) {
      this.#sim.world.saw('archive: heights are there twice')
    }
    kept?.push([from, to])
    kept?.sort((a, b) => a[0] - b[0])
  }

  /** Last height of those that are kept without a hole. */
  #keptTo(partition: number): number {
    let end = -1
    for (const [from, to] of this.#kept[partition] ?? []) {
      if (from > end + 1) break
      end = Math.max(end, to)
    }
    return end
  }

  #committed({ index }: Partition, next: number): void {
    const { offsets } = this.#known.partition(index)
    const height = offsets.findLastIndex((offset) => offset < next)
    const kept = this.#keptTo(index)
    if (height <= kept || this.violations.length > 0) return
    const text = `the sinks committed offset ${next}, height ${height}; the archive ends at ${kept}`
    this.violations.push({ invariant: 'archived-before-committed', partition: index, text })
  }
}
