// A Warp contract's whole history: the state that it comes to, what each interaction came to, and
// the digests that stand for both.
//
// Digests, as std/hash-parts.ts lays them out:
//   history  'hb.warp-history.1': contract id, owner, id and text of the first source, JSON text of
//            the first state, number of interactions, then of each: id, owner, sort key, height,
//            timestamp, input ('' where Warp passes over it)
//   state    'hb.warp-state.1': JSON text of the state as the contract sees it
// Invariant: both are functions of the two files alone, so whoever has the files can check them.

import { hashPartsText, type HashPart } from '../../std/hash-parts.ts'
import { parseJson } from '../../std/json-text.ts'
import type { WarpContract } from './contract.ts'
import type { Fields } from './fields.ts'
import { RESERVED, WarpHistory, type HistoryOptions, type WarpVerdict } from './history.ts'
import type { WarpInteraction } from './interactions.ts'

export type EvaluatedHistory = {
  /** The state with the runtime's own part (SmartWeave.kv). */
  readonly state: Fields
  /** JSON text of the state as the contract sees it. */
  readonly stateText: string
  /** The source that the state runs on, which it may have evolved to. */
  readonly sourceId: string
  readonly source: string
  /** How often the source changed on the way. */
  readonly evolved: number
  readonly verdicts: ReadonlyMap<string, WarpVerdict>
  readonly counts: Readonly<Record<WarpVerdict, number>>
  readonly historyDigest: string
  readonly stateDigest: string
  readonly last: WarpInteraction | undefined
}

/** `onProgress`: called after each interaction; throws what it throws. */
export function evaluateHistory(
  options: HistoryOptions,
  interactions: readonly WarpInteraction[],
  onProgress: (done: number) => void = () => undefined,
): EvaluatedHistory {
  const { contract } = options
  const history = new WarpHistory(options)
  try {
    const verdicts = new Map<string, WarpVerdict>()
    const counts = { ok: 0, error: 0, exception: 0, skipped: 0, refused: 0 }
    for (const interaction of interactions) {
      const { verdict } = history.apply(interaction)
      verdicts.set(interaction.id, verdict)
      counts[verdict] += 1
      onProgress(verdicts.size)
    }
    const stateText = history.stateText()
    return {
      state: parseJson(history.snapshot()) as Fields,
      stateText,
      sourceId: history.sourceId,
      source: contract.sources.get(history.sourceId) ?? '',
      evolved: history.evolved,
      verdicts,
      counts,
      historyDigest: historyDigest(contract, interactions),
      stateDigest: hashPartsText('hb.warp-state.1', [stateText]),
      last: interactions.at(-1),
    }
  } finally {
    history.close()
  }
}

function historyDigest(contract: WarpContract, interactions: readonly WarpInteraction[]): string {
  const { id, owner, sourceId, sources, initState } = contract
  const source = sources.get(sourceId) ?? ''
  const first = [id, owner, sourceId, source, JSON.stringify(initState), interactions.length]
  const rest = interactions.flatMap((each): HashPart[] => {
    const { height, timestamp } = each.block
    return [each.id, each.owner, each.sortKey, height, timestamp, each.input ?? '']
  })
  return hashPartsText('hb.warp-history.1', [...first, ...rest])
}

/**
 * The state to spawn the process with: beside the contract's own, where it came from, so that its
 * owner stays who he was and heights go on (runtime/smartweave).
 */
export function importedState(contract: WarpContract, evaluated: EvaluatedHistory): Fields {
  const { state, last } = evaluated
  const reserved = (state[RESERVED] ?? {}) as Fields
  const block = last?.block
  const from = {
    contract: contract.id,
    owner: contract.owner,
    ...(block !== undefined && { height: block.height, timestamp: block.timestamp }),
  }
  return { ...state, [RESERVED]: { ...reserved, imported: from } }
}
