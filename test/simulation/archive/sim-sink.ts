// A machine of the simulated network with a sink on it. Owners: sinks.ts.

import { ArweaveSink } from '../../../connectors/arweave-sink/sink.ts'
import type { SinkLimits } from '../../../connectors/arweave-sink/limits.ts'
import type { Signer } from '../../../src/archive/index.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { isHbError } from '../../../src/std/errors.ts'
import type { Cluster } from '../broker/cluster.ts'
import type { Faults } from '../broker/faults.ts'
import { SimLog } from '../broker/sim-log.ts'
import type { Machine } from '../network/node-events.ts'
import { SimMachine } from '../network/sim-machine.ts'
import { SECOND } from '../world/world.ts'
import type { World } from '../world/world.ts'
import type { ArchiveSite } from './archive-site.ts'

/** Small, so that a short run comes to what takes days elsewhere. */
const LIMITS: Partial<SinkLimits> = {
  bytesMax: 12_000,
  flushDelayMsMax: 4_000,
  pollDelayMs: 500,
  retryDelayMs: 100,
  retryDelayMsMax: 1_500,
}

export type SimSinkOptions = {
  readonly world: World
  readonly cluster: Cluster
  readonly faults: Faults
  readonly site: ArchiveSite
  readonly network: Network
  readonly name: string
  /** One wallet for all sinks, as in one connector's configuration. */
  readonly signer: Signer
  readonly heightsMax: number
  /** It gave a partition up for good, on a host that lives. */
  readonly onFailed: (sink: string, partition: number, error: unknown) => void
}

export class SimSink extends SimMachine implements Machine {
  readonly #o: SimSinkOptions
  #sink: ArweaveSink | undefined

  constructor(options: SimSinkOptions) {
    super(options.world, options.name)
    this.#o = options
  }

  /** Partitions that it archives. */
  get partitions(): readonly number[] {
    return this.isUp && this.#sink !== undefined ? [...this.#sink.states().keys()] : []
  }

  start(): void {
    if (this.isUp || this.isScrapped) return
    const { world, cluster, faults, site, network, signer, heightsMax, onFailed } = this.#o
    const host = this.begin()
    const sink = new ArweaveSink({
      network,
      log: new SimLog(cluster, host, faults),
      archive: site.open(host, signer),
      store: this.disk.open('sink', host),
      clock: host.clock,
      limits: { ...LIMITS, heightsMax },
      onFailed: (partition, error) => {
        if (host.isAlive) onFailed(this.name, partition, error)
      },
    })
    this.#sink = sink
    sink.start().catch((error: unknown) => {
      if (!host.isAlive || this.#sink !== sink) return
      if (!isHbError(error, 'log-topic-unknown')) return world.fail(error)
      // no node has made the topics yet: whoever started it tries again
      host.die()
      world.after(SECOND, () => this.start())
    })
  }

  stop(): void {
    const sink = this.#sink
    if (!this.isUp || this.host.isFrozen || sink === undefined) return
    this.#sink = undefined
    this.end(() => sink.stop())
  }
}
