// A machine of the simulated network with a node on it. Owners: sim-network.ts.

import type { NodeApi, NodeOptions, RunningNode } from '../../../src/node/index.ts'
import { composeNode } from '../../../src/node/index.ts'
import type { SigningKey } from '../../../src/protocol/ans104/index.ts'
import type { Genesis } from '../../../src/protocol/genesis.ts'
import type { Role } from '../../../src/node/ownership.ts'
import type { Cluster } from '../broker/cluster.ts'
import type { Faults } from '../broker/faults.ts'
import { SimLog } from '../broker/sim-log.ts'
import type { World } from '../world/world.ts'
import type { SimHttp } from './sim-http.ts'
import { SimMachine } from './sim-machine.ts'

export type SimNodeOptions = {
  readonly world: World
  readonly cluster: Cluster
  readonly faults: Faults
  readonly http: SimHttp
  readonly genesis: Genesis
  readonly name: string
  readonly roles: readonly Role[]
  readonly standbys: number
  /** Of its ticker, where the network has a clock. */
  readonly tickerKey: SigningKey
  readonly limits: NonNullable<NodeOptions['limits']>
  /** A partition halted, on a node that lives. */
  readonly onHalted: (role: string, partition: number, error: unknown) => void
}

export class SimNode extends SimMachine {
  readonly roles: readonly Role[]
  readonly address: string
  readonly #o: SimNodeOptions
  #running: RunningNode | undefined

  constructor(options: SimNodeOptions) {
    super(options.world, options.name)
    this.#o = options
    this.roles = options.roles
    this.address = `http://${options.name}`
  }

  /** While it serves. */
  get api(): NodeApi | undefined {
    return this.isUp ? this.#running?.api : undefined
  }

  /** Begins to start; it goes on as the world does. */
  start(): void {
    if (this.isUp || this.isScrapped) return
    const { world, cluster, faults, http, genesis, roles, standbys, limits, tickerKey } = this.#o
    this.#running = undefined
    const host = this.begin()
    void composeNode({
      genesis,
      log: new SimLog(cluster, host, faults),
      roles,
      address: this.address,
      standbys,
      sequencerStore: this.disk.open('sequencer', host),
      dreStore: this.disk.open('dre', host),
      clock: host.clock,
      tickerKey,
      fetch: http.fetchFrom(host),
      evaluatorWorkers: 0,
      verifierThreads: 0,
      limits,
      onHalted: (role, partition, error) => {
        if (host.isAlive) this.#o.onHalted(role, partition, error)
      },
    }).then(
      (running) => {
        if (this.host === host) this.#running = running
      },
      (error: unknown) => {
        if (host.isAlive) world.fail(error)
      },
    )
  }

  stop(): void {
    const running = this.#running
    if (!this.isUp || this.host.isFrozen) return
    if (running === undefined) return this.kill()
    this.#running = undefined
    this.end(() => running.close())
  }
}
