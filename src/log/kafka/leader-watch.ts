// Appends and fetches that are not answered: a broker that is frozen or cut off keeps its
// connections and says nothing. Once the cluster has another leader for one of their partitions,
// waiting on is for nothing. Owners: appender.ts and each fetcher.ts add what they send.
//
// Invariants: W1 metadata is asked for only while something is overdue, once a `overdueMs`. W2 no
// timer runs while nothing is under way. W3 it only closes connections: what that means for an
// append (unclear) is the appender's to say.

import type { Clock } from '../../std/clock.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'

export type Sent = {
  readonly leader: number
  readonly connection: BrokerConnection
  readonly parts: readonly { readonly topic: string; readonly partition: number }[]
}

export class LeaderWatch {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #overdueMs: number
  readonly #sent = new Map<Sent, number>()
  #running = false

  constructor(cluster: Cluster, clock: Clock, overdueMs: number) {
    this.#cluster = cluster
    this.#clock = clock
    this.#overdueMs = overdueMs
  }

  add(sent: Sent): void {
    this.#sent.set(sent, this.#clock.now())
    if (!this.#running) void this.#run()
  }

  remove(sent: Sent): void {
    this.#sent.delete(sent)
  }

  async #run(): Promise<void> {
    this.#running = true
    const { signal } = this.#cluster
    while (this.#sent.size > 0 && !signal.aborted) {
      await this.#clock.sleep(this.#overdueMs, signal)
      const since = this.#clock.now() - this.#overdueMs
      const overdue = [...this.#sent].filter(([, at]) => at <= since).map(([sent]) => sent)
      if (overdue.length === 0) continue
      // a cluster that does not answer has no other leader either
      await this.#cluster.refresh().catch(() => undefined)
      for (const sent of overdue) if (this.#hasMoved(sent)) sent.connection.close()
    }
    this.#running = false
  }

  #hasMoved({ leader, parts }: Sent): boolean {
    return parts.some(({ topic, partition }) => {
      const now = this.#cluster.partitions(topic)?.[partition]?.leader ?? leader
      return now >= 0 && now !== leader
    })
  }
}
