// What the log says of ends and positions, asked for seldom: how many records the groups of this
// node's roles lag, and where the topics end that its partitions are opened from.
//
// Invariants: L1 the log is asked at most every lagIntervalMs, by all who scrape together. L2
// nobody waits longer than lagWaitMsMax; what was known then is shown, with its age. L3 a group
// without a position lags by all that is retained.

import type { Log, PartitionEnds } from '../../log/port.ts'
import { lagOf } from '../../log/resume/index.ts'
import type { TopicNames } from '../../protocol/topics.ts'
import { CONSUMED } from '../../protocol/topics.ts'
import type { Clock } from '../../std/clock.ts'
import type { Role } from '../ownership.ts'
import type { MetricsLimits } from './limits.ts'

export type GroupLag = {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly records: number
}

export type LagOptions = {
  readonly log: Log
  readonly clock: Clock
  readonly applicationId: string
  readonly topics: TopicNames
  readonly roles: readonly Role[]
  readonly limits: MetricsLimits
  /** Partitions that a role has here. */
  readonly held: (role: Role) => readonly number[]
  /** Aborted when the node closes: nobody is waited for then. */
  readonly signal: AbortSignal
}

/** Of each role, the topics that it opens its partitions from. */
const OPENED_FROM = { sequencer: ['log'], dre: ['outbox', 'snapshots'], relayer: [] } as const

export class Lag {
  readonly #o: LagOptions
  readonly #topics: readonly string[]
  readonly #ends = new Map<string, readonly PartitionEnds[]>()
  readonly #committed = new Map<Role, readonly (number | undefined)[]>()
  #askedAt = -Infinity
  #answeredAt: number | undefined
  #asking: Promise<void> | undefined

  constructor(options: LagOptions) {
    this.#o = options
    const { topics, roles } = options
    const names = roles.flatMap((role) => [CONSUMED[role], ...OPENED_FROM[role]])
    this.#topics = [...new Set(names.map((name) => topics[name]))]
  }

  /** Resolves when what is known is no older than the interval, or could not be had in time. */
  async refresh(): Promise<void> {
    const { clock, limits, signal } = this.#o
    if (clock.now() - this.#askedAt >= limits.lagIntervalMs && !signal.aborted) {
      this.#askedAt = clock.now()
      this.#asking ??= this.#ask().finally(() => (this.#asking = undefined))
    }
    if (this.#asking === undefined || signal.aborted) return
    const answered = new AbortController()
    const stop = (): void => answered.abort()
    signal.addEventListener('abort', stop, { once: true })
    void this.#asking.finally(stop)
    await clock.sleep(limits.lagWaitMsMax, answered.signal)
    signal.removeEventListener('abort', stop)
  }

  /** Ms since the log last answered all that it was asked; undefined: it did not yet. */
  ageMs(): number | undefined {
    return this.#answeredAt === undefined ? undefined : this.#o.clock.now() - this.#answeredAt
  }

  /** The next offset of a topic's partition, as last heard. */
  end(topic: string, partition: number): number | undefined {
    return this.#ends.get(topic)?.[partition]?.end
  }

  lags(): GroupLag[] {
    const { applicationId, topics, held } = this.#o
    const lags: GroupLag[] = []
    for (const [role, committed] of this.#committed) {
      const topic = topics[CONSUMED[role]]
      for (const partition of held(role)) {
        const ends = this.#ends.get(topic)?.[partition]
        if (ends === undefined) continue
        const records = lagOf(ends, committed[partition])
        lags.push({ group: `${applicationId}.${role}`, topic, partition, records })
      }
    }
    return lags
  }

  async #ask(): Promise<void> {
    const { log, clock, applicationId, topics, roles } = this.#o
    // positions first: they only grow, so that no lag is hidden by an end that is older
    const positions = roles.map(async (role) => {
      const group = `${applicationId}.${role}`
      this.#committed.set(role, await log.committed(group, topics[CONSUMED[role]]))
    })
    const answers: PromiseSettledResult<unknown>[] = await Promise.allSettled(positions)
    const ends = this.#topics.map(async (topic) => this.#ends.set(topic, await log.ends(topic)))
    answers.push(...(await Promise.allSettled(ends)))
    if (answers.every(({ status }) => status === 'fulfilled')) this.#answeredAt = clock.now()
  }
}
