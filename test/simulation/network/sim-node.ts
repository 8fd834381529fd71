// A machine of the simulated network, and the node on it: started, stopped, killed, frozen, started
// again on the same disk or an empty one.
// Owners: sim-network.ts. Invariant: one host (a life of the OS process) at a time.

import type { NodeApi, NodeOptions, RunningNode } from '../../../src/node/index.ts'
import { composeNode } from '../../../src/node/index.ts'
import type { SigningKey } from '../../../src/protocol/ans104/index.ts'
import type { Genesis } from '../../../src/protocol/genesis.ts'
import type { Role } from '../../../src/node/ownership.ts'
import type { Cluster } from '../broker/cluster.ts'
import type { Faults } from '../broker/faults.ts'
import { SimLog } from '../broker/sim-log.ts'
import { Disk } from '../world/disk.ts'
import { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'
import type { SimHttp } from './sim-http.ts'

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

export class SimNode {
  readonly name: string
  readonly roles: readonly Role[]
  readonly address: string
  readonly #o: SimNodeOptions
  readonly #disk: Disk
  #lives = 0
  #host: Host
  #running: RunningNode | undefined
  /** Gets each host that it starts on, before anything runs there. */
  onHost: ((host: Host) => void) | undefined
  /** Off by so much when it starts next, ms. */
  clockErrorMs = 0

  constructor(options: SimNodeOptions) {
    this.#o = options
    this.name = options.name
    this.roles = options.roles
    this.address = `http://${options.name}`
    this.#disk = new Disk(options.world)
    this.#host = this.#newHost()
    this.#host.die()
  }

  get host(): Host {
    return this.#host
  }

  get isUp(): boolean {
    return this.#host.isAlive
  }

  /** While it serves. */
  get api(): NodeApi | undefined {
    return this.#host.isAlive ? this.#running?.api : undefined
  }

  /** Begins to start; it goes on as the world does. */
  start(): void {
    if (this.#host.isAlive) return
    const { world, cluster, faults, http, genesis, roles, standbys, limits, tickerKey } = this.#o
    const host = this.#newHost()
    this.#host = host
    this.#running = undefined
    world.trace(`${host.name} starts`)
    void composeNode({
      genesis,
      log: new SimLog(cluster, host, faults),
      roles,
      address: this.address,
      standbys,
      sequencerStore: this.#disk.open('sequencer', host),
      dreStore: this.#disk.open('dre', host),
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
        if (this.#host === host) this.#running = running
      },
      (error: unknown) => {
        if (host.isAlive) world.fail(error)
      },
    )
  }

  /** SIGTERM: it finishes, leaves its groups and is gone. */
  stop(): void {
    const host = this.#host
    const running = this.#running
    if (!host.isAlive || host.isFrozen) return
    if (running === undefined) return this.kill()
    this.#o.world.trace(`${host.name} stops`)
    this.#running = undefined
    running.close().then(
      () => host.die(),
      (error: unknown) => {
        if (host.isAlive) this.#o.world.fail(error)
      },
    )
  }

  kill(): void {
    if (!this.#host.isAlive) return
    this.#o.world.trace(`${this.#host.name} is killed`)
    this.#host.die()
  }

  async losePower(): Promise<void> {
    this.kill()
    await this.#disk.losePower()
  }

  clearDisk(): void {
    this.#disk.clear()
  }

  #newHost(): Host {
    const host = new Host(this.#o.world, `${this.name}.${this.#lives++}`)
    host.clockErrorMs = this.clockErrorMs
    this.onHost?.(host)
    return host
  }
}
