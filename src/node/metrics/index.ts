// What a node shows of itself at a scrape: its table read, and what it waits for.

import type { TopicNames } from '../../protocol/topics.ts'
import type { Log } from '../../log/port.ts'
import type { Clock } from '../../std/clock.ts'
import type { Services } from '../node.ts'
import type { Role } from '../ownership.ts'
import type { Waiting } from '../readiness.ts'
import { waitingFor } from '../readiness.ts'
import { Lag } from './lag.ts'
import type { MetricsLimits } from './limits.ts'
import { METRICS_LIMITS } from './limits.ts'
import type { Metric } from './metric.ts'
import { readMetrics } from './metric.ts'
import { NODE_METRICS } from './node-metrics.ts'
import type { NodeSource } from './node-source.ts'

export type NodeMetricsOptions = Services &
  Omit<NodeSource, 'lag' | 'waiting'> & {
    readonly log: Log
    readonly clock: Clock
    readonly topics: TopicNames
    readonly limits?: Partial<MetricsLimits> | undefined
    readonly signal: AbortSignal
  }

export class NodeMetrics {
  readonly #o: NodeMetricsOptions
  readonly #lag: Lag

  constructor(options: NodeMetricsOptions) {
    this.#o = options
    const { ownership } = options
    const limits = { ...METRICS_LIMITS, ...options.limits }
    const held = (role: Role): number[] => ownership.held(role)
    this.#lag = new Lag({ ...options, roles: ownership.roles, limits, held })
  }

  async read(): Promise<Metric[]> {
    await this.#lag.refresh()
    return readMetrics(NODE_METRICS, { ...this.#o, lag: this.#lag, waiting: this.#waiting() })
  }

  /** What is not ready yet; the log is asked only where something is opening. */
  async waiting(): Promise<Waiting[]> {
    if (this.#waiting().some(({ what }) => what === 'opening')) await this.#lag.refresh()
    return this.#waiting()
  }

  #waiting(): Waiting[] {
    const { ownership, clock, sequencer, dre } = this.#o
    const services = { sequencer, dre, relayer: undefined }
    return waitingFor({
      ownership,
      clock,
      opening: (role, partition) => services[role]?.opening(partition),
      end: (topic, partition) => this.#lag.end(topic, partition),
    })
  }
}
