// A Warp contract's history evaluated again in the sandbox: each interaction with the facts that
// were recorded of it, in order, on the source that the state names (evolve).
//
// Owners: an evaluation owns one open instance; `close` it. Invariants: H1 what an interaction does
// is a function of the state, the source and its recorded facts. H2 an error or an exception leaves
// the state as it was; what Warp passes over is not evaluated at all.

import { sha256, toBase64Url } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { parseJson } from '../../std/json-text.ts'
import type { EvaluationLimits, Instance, Runtime } from '../../runtime/port.ts'
import type { WarpContract } from './contract.ts'
import type { Fields } from './fields.ts'
import { isFields } from './fields.ts'
import type { WarpInteraction } from './interactions.ts'

/** As Warp calls them; `skipped`: passed over; `refused`: a limit of the sandbox. */
export type WarpVerdict = 'ok' | 'error' | 'exception' | 'skipped' | 'refused'

export type WarpStep = {
  readonly verdict: WarpVerdict
  /** Of an error: its message. */
  readonly text: string
  readonly messages: readonly unknown[]
}

export type HistoryOptions = {
  readonly runtime: Runtime
  readonly limits: EvaluationLimits
  readonly contract: WarpContract
}

/** The state's key under which the runtime keeps what is not the contract's. */
export const RESERVED = '$smartweave'
const VERDICTS: Readonly<Record<string, WarpVerdict>> = {
  'contract-error': 'error',
  'contract-exception': 'exception',
  'input-malformed': 'skipped',
}

export class WarpHistory {
  readonly #options: HistoryOptions
  #instance: Instance
  #sourceId: string
  #evolved = 0

  /** Throws `module-invalid` and what else the runtime refuses to open. */
  constructor(options: HistoryOptions) {
    this.#options = options
    const { contract } = options
    this.#sourceId = contract.sourceId
    this.#instance = this.#open(contract.sourceId, JSON.stringify(contract.initState))
    this.#followEvolve()
  }

  /** Throws `warp-source-missing` where the state names a source that the definition lacks. */
  apply(interaction: WarpInteraction): WarpStep {
    const { input } = interaction
    if (input === undefined) return { verdict: 'skipped', text: '', messages: [] }
    const action = actionText(this.#options.contract, interaction, input)
    const evaluation = this.#instance.evaluate(action)
    if (evaluation.status === 'error') {
      const { code, text } = evaluation
      const verdict = VERDICTS[code] ?? 'refused'
      return { verdict, text: verdict === 'refused' ? `${code}: ${text}` : text, messages: [] }
    }
    if (/evolve|settings/i.test(evaluation.changes)) this.#followEvolve()
    return { verdict: 'ok', text: '', messages: evaluation.messages }
  }

  /** The source that the next interaction runs on. */
  get sourceId(): string {
    return this.#sourceId
  }

  /** How often the source changed. */
  get evolved(): number {
    return this.#evolved
  }

  /** JSON text of the whole state, with the runtime's own part. */
  snapshot(): string {
    return this.#instance.snapshot()
  }

  /** JSON text of the state as the contract sees it. */
  stateText(): string {
    const state = parseJson(this.snapshot()) as Record<string, unknown>
    delete state[RESERVED]
    return JSON.stringify(state)
  }

  close(): void {
    this.#instance.close()
  }

  #followEvolve(): void {
    const snapshot = this.#instance.snapshot()
    const next = evolvedSource(parseJson(snapshot) as Fields)
    if (next === undefined || next === this.#sourceId) return
    this.#instance.close()
    this.#instance = this.#open(next, snapshot)
    this.#sourceId = next
    this.#evolved += 1
  }

  #open(id: string, snapshot: string): Instance {
    const { runtime, limits, contract } = this.#options
    const source = contract.sources.get(id)
    if (source === undefined) {
      throw new HbError('warp-source-missing', `the state evolves to ${id}`)
    }
    const hash = toBase64Url(sha256(Buffer.from(source)))
    return runtime.open({ engine: 'smartweave', hash, source }, snapshot, limits)
  }
}

/** The source that a state names, where it may: what Warp's evolve looks at. */
export function evolvedSource(state: Fields): string | undefined {
  const settings = settingsOf(state['settings'])
  const evolve = state['evolve'] || settings.get('evolve')
  const canEvolve = (state['canEvolve'] || settings.get('canEvolve')) ?? true
  if (typeof evolve !== 'string' || !/[a-z0-9_-]{43}/i.test(evolve) || !canEvolve) return undefined
  return evolve
}

function settingsOf(settings: unknown): ReadonlyMap<unknown, unknown> {
  if (isFields(settings)) return new Map(Object.entries(settings))
  if (!Array.isArray(settings)) return new Map()
  return new Map(settings.filter((pair): pair is [unknown, unknown] => Array.isArray(pair)))
}

/** What the runtime is told of an interaction that was made elsewhere. */
export function recordedFacts(
  { id, owner }: Pick<WarpContract, 'id' | 'owner'>,
  interaction: WarpInteraction,
): Record<string, unknown> {
  const { block, vrf } = interaction
  return {
    id: interaction.id,
    owner: interaction.owner,
    target: interaction.target,
    tags: interaction.tags,
    quantity: interaction.quantity,
    reward: interaction.reward,
    origin: interaction.origin,
    sortKey: interaction.sortKey,
    block: { height: block.height, timestamp: block.timestamp, indep_hash: block.id },
    contract: { id, owner },
    ...(vrf !== undefined && { vrf }),
  }
}

function actionText(contract: WarpContract, interaction: WarpInteraction, input: string): string {
  const { id, owner, block } = interaction
  return JSON.stringify({
    kind: 'message',
    caller: owner,
    from: 'wallet',
    id,
    height: block.height,
    slot: 0,
    timestamp: block.timestamp * 1_000,
    tags: { Input: input },
    data: '',
    dataEncoding: 'utf8',
    hops: 0,
    count: 0,
    budget: '0',
    input: null,
    smartweave: recordedFacts(contract, interaction),
  })
}
