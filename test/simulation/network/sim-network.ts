// The simulated network: brokers, machines and their nodes, and what its wallets talk to.

import type { NodeApi } from '../../../src/node/index.ts'
import { Cluster } from '../broker/cluster.ts'
import { Faults } from '../broker/faults.ts'
import type { SimPlan } from '../plan.ts'
import type { World } from '../world/world.ts'
import type { Genesis } from '../../../src/protocol/genesis.ts'
import { simKey } from '../load/wallets.ts'
import { SimHttp } from './sim-http.ts'
import { SimNode } from './sim-node.ts'

export const GROUP_LIMITS = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 3_000,
  rebalanceTimeoutMs: 15_000,
  commitDelayMs: 100,
  standbyLagMax: 100,
}

/** Small, so that a short run comes to what takes days elsewhere: trimming, eviction, retries. */
const NODE_LIMITS = {
  sequencer: { trimIntervalMs: 5_000, trimRecordsMin: 1, standbyRetryMs: 1_000 },
  dre: {
    instancesMax: 12,
    instanceIdleMsMax: 5_000,
    trimIntervalMs: 2_000,
    trimRecordsMin: 1,
    outboxRetentionMs: 3_000,
    standbyRetryMs: 1_000,
    standbyLingerMs: 3_000,
  },
  // sent again, and seen to stand still, well within the rest that ends a run
  relayer: { lookBackRecordsMax: 512, stallMs: 2_000 },
} as const

export type Halt = { readonly node: string; readonly text: string }

export class SimNetwork {
  readonly world: World
  readonly cluster: Cluster
  readonly faults: Faults
  readonly http: SimHttp
  readonly nodes: readonly SimNode[]
  /** Partitions that halted on a node that lives: nothing here may bring that about. */
  readonly halts: Halt[] = []

  constructor(world: World, plan: SimPlan, genesis: Genesis) {
    this.world = world
    this.cluster = new Cluster(world, GROUP_LIMITS)
    this.faults = new Faults(world, plan.rates)
    this.http = new SimHttp(world, { isOn: true, ...plan.http }, (address) => this.#at(address))
    const { cluster, faults, http } = this
    const { standbys } = plan
    const keys = world.random('tickers')
    this.nodes = plan.nodes.map((roles, at) => {
      const name = `node-${at}`
      const onHalted = (role: string, partition: number, error: unknown): void => {
        const text = `${role} ${partition}: ${String(error)}`
        world.trace(`${name} halts ${text}`)
        this.halts.push({ node: name, text })
      }
      const limits = NODE_LIMITS
      const parts = { world, cluster, faults, http, genesis, roles, standbys, limits, onHalted }
      return new SimNode({ ...parts, name, tickerKey: simKey(keys) })
    })
  }

  /** Nothing goes wrong any more, and everything that is down comes up. */
  heal(): void {
    this.faults.isOn = false
    this.http.faults.isOn = false
    for (const { partitions } of this.cluster.topics.values()) {
      for (const partition of partitions) {
        partition.stale = undefined
        partition.downUntil = 0
        partition.onAppend = undefined
        partition.losesRelayedUntil = 0
        for (const wake of [...partition.waiters]) wake()
      }
    }
    for (const node of this.nodes) {
      node.clockErrorMs = 0
      node.host.clockErrorMs = 0
      node.host.crashAt = undefined
      node.host.cutUntil = 0
      if (node.host.isFrozen) node.host.thaw()
      if (!node.isUp) node.start()
    }
  }

  #at(address: string): { host: SimNode['host']; api: NodeApi | undefined } | undefined {
    const node = this.nodes.find((each) => each.address === address)
    return node && { host: node.host, api: node.api }
  }
}
