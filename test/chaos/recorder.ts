// What clients see while a run goes on, as the checker takes it.
// Invariant: of several equal answers to one question one is kept, of different ones all are.

import type { MessageStatus, StateView } from '../../src/client/index.ts'
import type { ClientHistory, SeenReceipt, SeenRefusal, SeenState } from './checker/index.ts'
import type { Submission } from './checker/index.ts'

type Sent = Omit<Submission, 'acknowledgedAt'>

export class Recorder {
  readonly #submissions = new Map<string, Sent>()
  readonly #acknowledged = new Map<string, number>()
  readonly #receipts = new Map<string, SeenReceipt>()
  readonly #results = new Map<string, ClientHistory['results'][number]>()
  readonly #refusals = new Map<string, SeenRefusal>()
  readonly #states = new Map<string, SeenState>()
  /** Requests that did not succeed, by code: a figure for people. */
  readonly failures = new Map<string, number>()

  /** Before it is sent for the first time. */
  submitted(submission: Sent): void {
    this.#submissions.set(submission.id, submission)
  }

  acknowledged(id: string, at: number): void {
    if (!this.#acknowledged.has(id)) this.#acknowledged.set(id, at)
  }

  status({ id, receipt, result, refusal }: MessageStatus): void {
    if (receipt !== undefined) keep(this.#receipts, { id, ...receipt })
    if (result !== undefined) keep(this.#results, result)
    if (refusal !== undefined) keep(this.#refusals, { id, code: refusal.code })
  }

  state(state: StateView): void {
    keep(this.#states, state)
  }

  failed(code: string): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size
  }

  /** Acknowledged ids, the oldest first. */
  acknowledgedIds(): string[] {
    return [...this.#acknowledged.keys()]
  }

  history(): ClientHistory {
    const submissions = [...this.#submissions.values()].map((sent): Submission => {
      const acknowledgedAt = this.#acknowledged.get(sent.id)
      return acknowledgedAt === undefined ? sent : { ...sent, acknowledgedAt }
    })
    return {
      submissions,
      receipts: [...this.#receipts.values()],
      results: [...this.#results.values()],
      refusals: [...this.#refusals.values()],
      states: [...this.#states.values()],
    }
  }
}

function keep<T>(into: Map<string, T>, value: T): void {
  into.set(JSON.stringify(value), value)
}
