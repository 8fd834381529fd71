// Our side of the comparison: the same contract and interactions in the sandbox, told the recorded
// facts, exactly as `hb import warp` evaluates a history.

import { defaultLimits } from '../../src/protocol/limits.ts'
import { readContract } from '../../src/replay/warp/contract.ts'
import { WarpHistory } from '../../src/replay/warp/history.ts'
import { readInteractions } from '../../src/replay/warp/interactions.ts'
import type { Runtime } from '../../src/runtime/port.ts'
import type { CorpusContract } from './corpus.ts'
import type { Interaction } from './interaction.ts'
import type { Outcome } from './warp-side.ts'

/** The definition's file as Warp's gateway writes it. */
export function definitionText({ id, owner, sourceId, sources, state }: CorpusContract): string {
  const definition = { txId: id, srcTxId: sourceId, src: sources[sourceId], sources, owner }
  return JSON.stringify({ ...definition, initState: state, contractType: 'js' })
}

/** What each interaction came to, in our sandbox. */
export function ourOutcomes(
  runtime: Runtime,
  contract: CorpusContract,
  interactions: readonly Interaction[],
): Outcome[] {
  const read = readInteractions(JSON.stringify({ interactions }), contract.id)
  const history = new WarpHistory({
    runtime,
    limits: defaultLimits(),
    contract: readContract(definitionText(contract)),
  })
  const outcomes = read.map((interaction): Outcome => {
    const { verdict, text, messages } = history.apply(interaction)
    if (verdict === 'refused') throw new Error(`${contract.name} ${interaction.id}: ${text}`)
    const state = history.stateText()
    return { verdict, text, state, ...told(messages) }
  })
  history.close()
  return outcomes
}

type Told = { kind: string; tags: { Action: string }; data: unknown }

/** What a contract's `result` and `event` became: messages for watchers. */
function told(messages: readonly unknown[]): { result?: unknown; event?: unknown } {
  const found: { result?: unknown; event?: unknown } = {}
  for (const message of messages) {
    const { kind, tags, data } = message as Told
    if (kind !== 'event') continue
    const value = tags.Action === 'SmartWeave-Result' ? 'result' : 'event'
    found[value] = data === 'null' ? null : data
  }
  return found
}
