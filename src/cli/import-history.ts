// Brings a recorded history into the log: each interaction a message of the importer that carries
// what was recorded of it, in order; then one that ends the import.
//
// Invariants: B1 every message names the interaction that must have been taken last, so whatever is
// sent again or out of order changes nothing (runtime/smartweave/imports.js). B2 a batch is sent
// when the last one was evaluated; what stopped half-way goes on behind the sort key that the
// process's state names.

import type { Client, MessageStatus, Wallet } from '../client/index.ts'
import type { EvaluatedHistory, WarpContract, WarpInteraction } from '../replay/index.ts'
import { recordedFacts, RESERVED } from '../replay/index.ts'
import { HbError } from '../std/errors.ts'

/** Messages that are signed and sent at a time. */
const BATCH_ITEMS = 200
const TAG = 'Warp-Import'

export type HistoryImport = {
  readonly client: Client
  readonly wallet: Wallet
  readonly process: string
  readonly contract: WarpContract
  readonly interactions: readonly WarpInteraction[]
  readonly evaluated: EvaluatedHistory
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onProgress: (done: number) => void
}

type Step = { readonly after: string; readonly interaction: WarpInteraction }

/** The state that a process begins an import with. */
export function beginningState({ id, owner, initState }: WarpContract): Record<string, unknown> {
  const imported = { contract: id, owner }
  return { ...initState, [RESERVED]: { imported, importing: { after: '' } } }
}

/**
 * Sends what the process has not taken yet; resolves when the import has ended. Throws
 * `warp-import-stopped`, and what the node refuses.
 */
export async function sendHistory(given: HistoryImport): Promise<void> {
  const { client, process, interactions, evaluated, onProgress } = given
  const taken = await takenUpTo(client, process)
  if (taken === undefined) return
  const { steps, after } = stepsOf(interactions, evaluated)
  const left = steps.filter(({ interaction }) => interaction.sortKey > taken)
  const done = steps.length - left.length
  for (let at = 0; at < left.length; at += BATCH_ITEMS) {
    await sendBatch(given, left.slice(at, at + BATCH_ITEMS))
    onProgress(done + Math.min(at + BATCH_ITEMS, left.length))
  }
  const block = interactions.at(-1)?.block
  const end = block === undefined ? {} : { height: block.height, timestamp: block.timestamp }
  const status = await given.client.call(
    given.wallet,
    { target: process, tags: { [TAG]: 'End' }, data: { after, end } },
    { stage: 'result', timeoutMs: given.timeoutMs, signal: given.signal },
  )
  checkTaken(process, status)
}

/** The sort key of the last interaction taken; undefined: the import has ended. */
async function takenUpTo(client: Client, process: string): Promise<string | undefined> {
  const state = JSON.parse((await client.state(process)).text) as Record<string, unknown>
  const own = (state[RESERVED] ?? {}) as { importing?: { after?: string }; imported?: object }
  if (own.imported === undefined) {
    throw new HbError('usage', `${process} was not made by hb import warp`)
  }
  return own.importing === undefined ? undefined : (own.importing.after ?? '')
}

/** Warp passes over those without an input; those that fail are tried all the same. */
function stepsOf(
  interactions: readonly WarpInteraction[],
  { verdicts }: EvaluatedHistory,
): { steps: Step[]; after: string } {
  let after = ''
  const steps: Step[] = []
  for (const interaction of interactions) {
    const verdict = verdicts.get(interaction.id)
    if (verdict === 'skipped') continue
    steps.push({ after, interaction })
    if (verdict === 'ok') after = interaction.sortKey
  }
  return { steps, after }
}

async function sendBatch(given: HistoryImport, steps: readonly Step[]): Promise<void> {
  const { client, wallet, process, contract, timeoutMs, signal } = given
  const items = await Promise.all(
    steps.map(({ after, interaction }) => {
      const { input, id } = interaction
      const tags = { [TAG]: 'Interaction', 'Warp-Interaction': id }
      const data = { after, input, facts: recordedFacts(contract, interaction) }
      return client.sign(wallet, { target: process, tags, data })
    }),
  )
  const outcomes = await client.batch(items)
  const refused = outcomes.find((outcome) => 'error' in outcome)
  if (refused !== undefined && 'error' in refused) throw refused.error
  const last = outcomes.at(-1)
  if (last === undefined || !('id' in last)) return
  const status = await client.wait(last.id, { stage: 'result', timeoutMs, signal })
  if (status.result === undefined) throw stopped(process, `${status.id} is ${status.stage}`)
}

function checkTaken(process: string, { id, stage, result, refusal }: MessageStatus): void {
  if (result?.status === 'ok') return
  const why = result ?? refusal
  throw stopped(process, why === undefined ? `${id} is ${stage}` : `${why.code}: ${why.text}`)
}

function stopped(process: string, why: string): HbError {
  return new HbError('warp-import-stopped', `--resume ${process} (${why})`)
}
