// What comes from outside: checked, made durable in ingress, and asked for afterwards.
//
// Invariants: N1 what `submit` answered is durable in ingress. N2 receipts and results come from
// what is settled and published, never from a guess.

import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { signedMessage } from '../protocol/signed.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Leg, Trace, Tracing } from '../std/trace.ts'
import { traceHeaders } from '../std/trace.ts'
import type { RememberingVerifier } from '../verifier/index.ts'
import type { Metric } from './metrics/metric.ts'
import type { DoorFigures } from './door-figures.ts'
import type { DryRuns } from './dry-runs.ts'
import { refuse } from './door-figures.ts'
import type { Waiting } from './readiness.ts'
import type { NodeReports } from './reports.ts'
import type { MessageStatus, NodeApi, Page, Part, Submitted } from './api.ts'
import type { IngressRecord, IngressWriter } from './ingress-writer.ts'
import { MessageSearch } from './message-search.ts'
import type { PeerLimits } from './peer-limits.ts'
import type { Peers } from './peers.ts'
import { listProcesses } from './process-list.ts'
import type { NodeQueries } from './queries.ts'
import type { Routes } from './routes.ts'
import type { Stage, Waits } from './waits.ts'

export type DoorOptions = {
  readonly network: Network
  readonly verifier: RememberingVerifier
  readonly ingress: IngressWriter
  readonly waits: Waits
  readonly queries: NodeQueries
  readonly dryRuns: DryRuns
  readonly routes: Routes
  readonly peers: Peers
  readonly clock: Clock
  readonly limits: PeerLimits
  readonly figures: DoorFigures
  readonly reports: NodeReports
  readonly tracing: Tracing
  readonly metrics: { read(): Promise<Metric[]>; waiting(): Promise<Waiting[]> }
}

export class Door {
  readonly #o: DoorOptions
  readonly #records = new Records()
  readonly #search: MessageSearch

  constructor(options: DoorOptions) {
    this.#o = options
    const local = (id: string): MessageStatus | undefined => this.#status(id)
    this.#search = new MessageSearch({ ...options, local })
  }

  api(): NodeApi {
    const { queries, dryRuns, network, routes, metrics } = this.#o
    const { partitions } = network.genesis
    const part = (page: Page): Part => queries.part(page)
    return {
      network,
      submit: (items, trace) => this.#counted(items, trace),
      waitFor: (id, stage, timeoutMs, scope = 'network') =>
        scope === 'network'
          ? this.#search.waitFor(id, stage, timeoutMs)
          : this.#waitHere(id, stage, timeoutMs),
      message: async (id, scope = 'network') =>
        scope === 'network' ? this.#search.find(id) : this.#status(id),
      processes: (page = {}) => listProcesses({ ...this.#o, partitions, part }, page),
      part: async (page = {}) => part(page),
      servedAt: (partition) => routes.owner('dre', partition),
      process: async (id) => queries.process(id),
      state: async (id) => queries.state(id),
      dryRun: async (id, spec, withState = false) => dryRuns.run(id, spec, withState),
      results: async (id, from, limit) => queries.results(id, from, limit),
      tail: (partition, from, signal) => queries.tail(partition, from, signal),
      health: () => queries.health(),
      readiness: async () => {
        const waiting = await metrics.waiting()
        return { ...queries.health(), waiting }
      },
      metrics: () => metrics.read(),
    }
  }

  async #counted(items: readonly Uint8Array[], trace?: Trace): Promise<Submitted[]> {
    const { figures, reports } = this.#o
    try {
      const answers = await this.#submit(items, trace)
      answers.forEach((answer, index) => {
        if ('error' in answer) {
          reports.refused('door', answer.error)
          return refuse(figures, answer.error.code)
        }
        figures.accepted += 1
        figures.acceptedBytes += items[index]?.length ?? 0
      })
      return answers
    } catch (error) {
      refuse(figures, isHbError(error) ? error.code : 'internal-error', items.length)
      throw error
    }
  }

  async #submit(items: readonly Uint8Array[], trace: Trace | undefined): Promise<Submitted[]> {
    const { network, verifier, ingress, waits, figures, clock, tracing } = this.#o
    const answers = items.map((item): Submitted => {
      try {
        const { id, process } = signedMessage(network, item)
        return { id, process, partition: partitionOf(process, network.genesis.partitions) }
      } catch (error) {
        if (isHbError(error)) return { error }
        throw error
      }
    })
    const formed = items.filter((_, index) => !('error' in (answers[index] as Submitted)))
    const verdicts = (await verifier.verifyFirst(formed)).values()
    const accepted: IngressRecord[] = []
    const legs: Leg[] = []
    answers.forEach((answer, index) => {
      if ('error' in answer) return
      const verdict = verdicts.next().value
      if (verdict === undefined || !verdict.ok) {
        const code = verdict?.code ?? 'signature-invalid'
        answers[index] = { error: new HbError(code, verdict?.text ?? '') }
        return
      }
      const item = Buffer.from(items[index] as Uint8Array)
      const value = this.#records.encodeIngress({ type: 'signed', item })
      const { id, process, partition } = answer
      const leg = tracing.begin('hb.submit', trace, partition, process, id)
      if (leg !== undefined) legs.push(leg)
      const headers = leg && traceHeaders(leg)
      accepted.push({ partition, record: { key: process, value, ...(headers && { headers }) } })
    })
    if (accepted.length === 0) return answers
    const fresh = answers.flatMap((answer) =>
      'error' in answer || waits.pendingIn(answer.id) !== undefined ? [] : [answer],
    )
    for (const { id, partition } of fresh) waits.submitted(id, partition)
    const from = clock.now()
    try {
      await ingress.write(accepted)
      figures.submitSeconds.observeMs(clock.now() - from, accepted.length)
      for (const leg of legs) leg.end()
    } catch (error) {
      for (const leg of legs) leg.end(isHbError(error) ? error.code : 'internal-error')
      for (const { id } of fresh) waits.withdrawn(id)
      throw error
    }
    return answers
  }

  #status(id: string): MessageStatus | undefined {
    const { queries, waits } = this.#o
    const receipt = queries.receipt(id)
    const result = queries.resultOf(id)
    if (result !== undefined) {
      return { id, stage: 'evaluated', result, ...(receipt && { receipt }) }
    }
    if (receipt !== undefined) return { id, stage: 'sequenced', receipt }
    const refusal = waits.refusal(id)
    if (refusal !== undefined) {
      return { id, stage: 'refused', refusal: { code: refusal.code, text: refusal.message } }
    }
    return waits.pendingIn(id) === undefined ? undefined : { id, stage: 'pending' }
  }

  /** From what is here alone: another node asks, and asks again. */
  async #waitHere(id: string, stage: Stage, timeoutMs: number): Promise<MessageStatus> {
    const { waits } = this.#o
    const enough = (): boolean => {
      const at = this.#status(id)?.stage
      return at === 'evaluated' || at === 'refused' || (stage === 'sequenced' && at === stage)
    }
    if (!enough() && timeoutMs > 0) {
      await waits.counted(() => waits.until(id, stage, timeoutMs))
    }
    return this.#status(id) ?? { id, stage: 'pending' }
  }
}
