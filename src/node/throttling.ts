// What a node waits for because of brokers' quotas: counted for metrics, and reported.
// Owners: whoever opens the node's logs makes one, lets them tell it, and gives it to the node.
//
// Invariant: T1 a client id has one line a minute at most, which says all that it waited since its
// last one.

import type { Throttled } from '../log/kafka/index.ts'
import type { Clock } from '../std/clock.ts'
import type { Reporter } from '../std/reporter.ts'
import type { Sample } from './metrics/metric.ts'

export const REPORT_EVERY_MS = 60_000

type Waited = { reportedAt: number; unreportedMs: number; readonly byRequest: Map<string, number> }

export class Throttling {
  readonly #clock: Clock
  readonly #reporter: Reporter
  readonly #byClient = new Map<string, Waited>()

  constructor(clock: Clock, reporter: Reporter) {
    this.#clock = clock
    this.#reporter = reporter
  }

  heard({ clientId, request, ms }: Throttled): void {
    const none = { reportedAt: -Infinity, unreportedMs: 0, byRequest: new Map<string, number>() }
    const waited: Waited = this.#byClient.get(clientId) ?? none
    this.#byClient.set(clientId, waited)
    waited.byRequest.set(request, (waited.byRequest.get(request) ?? 0) + ms)
    waited.unreportedMs += ms
    const now = this.#clock.now()
    if (now - waited.reportedAt < REPORT_EVERY_MS) return
    const seconds = waited.unreportedMs / 1_000
    const text = `${clientId} has used up a quota of the brokers (${request}): waits ${seconds} s`
    this.#reporter.warn('quota-throttled', text, { client: clientId, request, seconds })
    waited.reportedAt = now
    waited.unreportedMs = 0
  }

  /** Seconds by client id and request. */
  samples(): Sample[] {
    return [...this.#byClient].flatMap(([client, { byRequest }]) =>
      [...byRequest].map(([request, ms]) => ({
        labels: { client_id: client, request },
        value: ms / 1_000,
      })),
    )
  }
}
