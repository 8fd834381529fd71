// A node: roles on adapters, and the one interface to them (api.ts). The only room that chooses
// adapters.
//
// Owners: whoever calls `composeNode` owns log and stores unless it had them opened here.
// Invariants: N1 what `submit` answered is durable in ingress. N2 receipts and results come from
// what is settled and published, never from a guess.

import type { Log } from '../log/port.ts'
import type { Store } from '../store/port.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Genesis, Network } from '../protocol/genesis.ts'
import { openNetwork } from '../protocol/genesis.ts'
import { partitionOf, topicNames, topicSpecs } from '../protocol/topics.ts'
import { signedMessage } from '../protocol/signed.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import { createInlineEvaluator, createWorkerEvaluator } from '../runtime/index.ts'
import type { SequencerLimits } from '../sequencer/index.ts'
import { SequencerService } from '../sequencer/index.ts'
import type { DreLimits } from '../dre/index.ts'
import { DreService } from '../dre/index.ts'
import type { RelayerLimits } from '../relayer/index.ts'
import { RelayerService } from '../relayer/index.ts'
import { createInlineVerifier, createVerifierPool, rememberVerdicts } from '../verifier/index.ts'
import type { RememberingVerifier } from '../verifier/index.ts'
import type { Clock } from '../std/clock.ts'
import { systemClock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { MessageStatus, NodeApi, Submitted } from './api.ts'
import { hostOf } from './host.ts'
import type { IngressLimits } from './ingress-writer.ts'
import { IngressWriter } from './ingress-writer.ts'
import { NodeQueries } from './queries.ts'
import type { WaitLimits } from './waits.ts'
import { Waits } from './waits.ts'

export type NodeOptions = {
  readonly genesis: Genesis
  readonly log: Log
  /** Local caches: the sequencer's index and the DRE's states. */
  readonly sequencerStore: Store
  readonly dreStore: Store
  readonly clock?: Clock
  readonly applicationId?: string
  /** Worker threads for evaluation; 0 evaluates on the main thread. */
  readonly evaluatorWorkers: number
  /** Threads for signature checks; 0 checks on the main thread. */
  readonly verifierThreads: number
  readonly limits?: {
    readonly sequencer?: Partial<SequencerLimits>
    readonly dre?: Partial<DreLimits>
    readonly relayer?: Partial<RelayerLimits>
    readonly ingress?: Partial<IngressLimits>
    readonly waits?: Partial<WaitLimits>
  }
  readonly onHalted?: (role: string, partition: number, error: unknown) => void
}

export type RunningNode = {
  readonly api: NodeApi
  readonly sequencer: SequencerService
  readonly dre: DreService
  readonly relayer: RelayerService
  readonly evaluator: Evaluator
  /** Stops the roles; log and stores stay open. */
  close(): Promise<void>
}

/** Starts all roles; where one cannot start, what was opened here is closed again. */
export async function composeNode(options: NodeOptions): Promise<RunningNode> {
  const network = openNetwork(options.genesis)
  const clock = options.clock ?? systemClock
  const topics = topicNames(options.applicationId ?? 'hb')
  const { log, limits = {} } = options
  await log.provision(topicSpecs(topics, network.genesis.partitions))
  const evaluator = await openEvaluator(network, options.evaluatorWorkers)
  const verifier = openVerifier(options.verifierThreads)
  const waits = new Waits(clock, limits.waits)
  const roles = makeRoles({ ...options, clock }, { network, evaluator, verifier, waits })
  const { sequencer, dre, relayer, queries } = roles
  const close = async (): Promise<void> => {
    waits.close()
    // in the order of the crank, so that each role's last effects find the next one's topic open
    await sequencer.stop()
    await dre.stop()
    await relayer.stop()
    await verifier.close()
    await evaluator.close()
  }
  try {
    await Promise.all([sequencer.start(), dre.start(), relayer.start()])
  } catch (error) {
    await close()
    throw error
  }
  const ingress = new IngressWriter(log, topics.ingress, clock, limits.ingress)
  const door = new Door({ network, verifier, ingress, waits, queries })
  return { api: door.api(), sequencer, dre, relayer, evaluator, close }
}

type Shared = {
  readonly network: Network
  readonly evaluator: Evaluator
  readonly verifier: RememberingVerifier
  readonly waits: Waits
}

function makeRoles(
  options: NodeOptions & { readonly clock: Clock },
  { network, evaluator, verifier, waits }: Shared,
) {
  const { log, clock, limits = {}, applicationId = 'hb' } = options
  const halted = new Map<number, { code: string; text: string }>()
  const halt = (role: string) => (partition: number, error: unknown) => {
    const code = isHbError(error) ? error.code : 'internal'
    halted.set(partition, { code, text: `${role}: ${String(error)}` })
    options.onHalted?.(role, partition, error)
  }
  const shared = { network, log, clock, applicationId }
  const sequencer = new SequencerService({
    ...shared,
    store: options.sequencerStore,
    verifier,
    ...(limits.sequencer && { limits: limits.sequencer }),
    listener: {
      settled: (_, entries) => {
        for (const { message } of entries) waits.reached(message.id, 'sequenced')
      },
      repeated: (id) => waits.reached(id, 'sequenced'),
      refused: (id, error) => waits.refused(id, error),
      halted: halt('sequencer'),
    },
  })
  const wakes: { queries?: NodeQueries } = {}
  const dre = new DreService({
    ...shared,
    store: options.dreStore,
    evaluator,
    ...(limits.dre && { limits: limits.dre }),
    listener: {
      results: (partition, results) => {
        for (const { messageId } of results) waits.reached(messageId, 'result')
        wakes.queries?.evaluated(partition)
      },
      halted: halt('dre'),
    },
  })
  const relayer = new RelayerService({
    ...shared,
    ...(limits.relayer && { limits: limits.relayer }),
    onHalted: halt('relayer'),
  })
  const topics = topicNames(applicationId)
  const queries = new NodeQueries({ ...shared, sequencer, dre, halted, topics })
  wakes.queries = queries
  return { sequencer, dre, relayer, queries }
}

export function openEvaluator(network: Network, workers: number): Promise<Evaluator> {
  const { limits } = network.genesis
  if (workers === 0) return createInlineEvaluator({ limits, host: hostOf(limits) })
  const file = import.meta.url.endsWith('.ts') ? './host.ts' : './host.js'
  const hostUrl = new URL(file, import.meta.url).href
  return createWorkerEvaluator({ limits, workers, hostUrl, hostData: { limits } })
}

function openVerifier(threads: number): RememberingVerifier {
  return rememberVerdicts(threads === 0 ? createInlineVerifier() : createVerifierPool({ threads }))
}

type DoorOptions = {
  readonly network: Network
  readonly verifier: RememberingVerifier
  readonly ingress: IngressWriter
  readonly waits: Waits
  readonly queries: NodeQueries
}

/** What comes from outside: checked, made durable, waited for. */
class Door {
  readonly #o: DoorOptions
  readonly #records = new Records()

  constructor(options: DoorOptions) {
    this.#o = options
  }

  api(): NodeApi {
    const { queries, network } = this.#o
    return {
      network,
      submit: (items) => this.#submit(items),
      waitFor: (id, stage, timeoutMs) => this.#waitFor(id, stage, timeoutMs),
      message: (id) => Promise.resolve(this.#status(id)),
      processes: (page) => Promise.resolve(queries.processes(page)),
      process: (id) => Promise.resolve(queries.process(id)),
      state: (id) => Promise.resolve(queries.state(id)),
      results: (id, from, limit) => Promise.resolve(queries.results(id, from, limit)),
      tail: (partition, from, signal) => queries.tail(partition, from, signal),
      health: () => queries.health(),
    }
  }

  async #submit(items: readonly Uint8Array[]): Promise<Submitted[]> {
    const { network, verifier, ingress, waits } = this.#o
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
    const accepted: { partition: number; record: { key: string; value: Buffer } }[] = []
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
      accepted.push({ partition: answer.partition, record: { key: answer.process, value } })
    })
    if (accepted.length === 0) return answers
    const fresh = answers.flatMap((answer) =>
      'error' in answer || waits.isPending(answer.id) ? [] : [answer.id],
    )
    for (const id of fresh) waits.submitted(id)
    try {
      await ingress.write(accepted)
    } catch (error) {
      for (const id of fresh) waits.withdrawn(id)
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
    return waits.isPending(id) ? { id, stage: 'pending' } : undefined
  }

  async #waitFor(
    id: string,
    stage: 'sequenced' | 'result',
    timeoutMs: number,
  ): Promise<MessageStatus> {
    const { waits } = this.#o
    const enough = (status: MessageStatus | undefined): status is MessageStatus =>
      status !== undefined &&
      (status.stage === 'evaluated' ||
        status.stage === 'refused' ||
        (stage === 'sequenced' && status.stage === 'sequenced'))
    const before = this.#status(id)
    if (enough(before) || timeoutMs <= 0) return before ?? { id, stage: 'pending' }
    await waits.until(id, stage, timeoutMs)
    return this.#status(id) ?? { id, stage: 'pending' }
  }
}
