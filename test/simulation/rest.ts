// When a run has come to rest: asked after each step once everything is healed.

import type { Role } from '../../src/node/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import type { Sinks } from './archive/sinks.ts'
import type { ClockWatch } from './clock-watch.ts'
import type { SimNetwork } from './network/sim-network.ts'
import type { World } from './world/world.ts'
import { SECOND } from './world/world.ts'

/** So long nothing may be written, and every group must have caught up, virtual µs. */
const STILL_US = 6 * SECOND

/**
 * Every group is at the end of its topic, every partition is served by one node, every channel has
 * arrived, no alarm is overdue, the archive holds all, and nothing is written.
 */
export class Rest {
  readonly #world: World
  readonly #sim: SimNetwork
  readonly #network: Network
  readonly #alarms: ClockWatch
  readonly #sinks: Sinks
  #ends = -1
  #since = 0
  #looked = 0

  constructor(
    world: World,
    sim: SimNetwork,
    network: Network,
    { alarms, sinks }: { readonly alarms: ClockWatch; readonly sinks: Sinks },
  ) {
    this.#world = world
    this.#sinks = sinks
    this.#sim = sim
    this.#network = network
    this.#alarms = alarms
  }

  isSo(): boolean {
    const { now } = this.#world
    if (now - this.#looked < SECOND / 2) return false
    this.#looked = now
    let ends = 0
    const names = topicNames('hb')
    for (const name of [names.ingress, names.log, names.outbox]) {
      for (const { records } of this.#sim.cluster.topics.get(name)?.partitions ?? []) {
        ends += records.length
      }
    }
    if (ends !== this.#ends || this.#missing().length > 0) this.#since = now
    this.#ends = ends
    return now - this.#since > STILL_US
  }

  why(): string {
    const missing = this.#missing()
    const { groups } = this.#sim.cluster
    const all = [...groups].map((each) => `${each.name} ${JSON.stringify(each.members())}`)
    return missing.length === 0 ? 'records are still being written' : [...missing, ...all].join(', ')
  }

  #missing(): string[] {
    const { cluster, nodes } = this.#sim
    const names = topicNames('hb')
    const topics = { sequencer: names.ingress, dre: names.log, relayer: names.outbox } as const
    const health = nodes.flatMap(({ api }) => api?.health() ?? [])
    const missing: string[] = []
    const overdueMs = this.#alarms.overdueMs()
    if (overdueMs > 0) missing.push(`an alarm is overdue by ${overdueMs} ms`)
    for (const [role, topic] of Object.entries(topics) as [Role, string][]) {
      for (let at = 0; at < this.#network.genesis.partitions; at++) {
        const end = cluster.topics.get(topic)?.partitions[at]?.records.length ?? 0
        const lag = end - (cluster.group(`hb.${role}`).committed(topic, at) ?? 0)
        if (lag > 0) missing.push(`${role} ${topic}/${at}: ${lag}`)
        const open = health.filter(({ partitions }) => partitions[at]?.[role] === 'open').length
        if (open !== 1) missing.push(`${role} ${at} is open at ${open} nodes`)
      }
    }
    return [...missing, ...this.#sinks.missing()]
  }
}
