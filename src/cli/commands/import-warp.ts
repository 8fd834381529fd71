// hb import warp: an existing Warp contract with its history, as a process.
//
// Invariant: nothing is spawned unless the history, evaluated here, comes to the state that was
// expected, where one was given; and the command succeeds only if the node then has that state.

import type { Command } from 'commander'
import type { EvaluatedHistory, WarpContract, WarpEvaluated } from '../../replay/index.ts'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { expectedDifference } from '../import-expected.ts'
import { jsonOption, openClient, openWallet, readText, secondsValue } from '../options.ts'
import { urlOption, walletOption, type UrlOptions, type WalletOptions } from '../options.ts'
import { printImport, type ImportView } from '../print-import.ts'
import { showProgress } from '../progress.ts'

const HELP = `
--definition: what Warp's gateway answers to /gateway/contract?txId=<id>; "sources" may add the
texts of those it evolved to: {"<source id>": "<text>"}.
--interactions: what it answers to /gateway/v3/interactions-sort-key?contractId=<id>, all pages in
one list.
--expect: the state that a DRE evaluated, or its whole answer; then validity is compared as well.

Every interaction is evaluated again in the sandbox with what was recorded of it: caller, tags,
block, sort key. Then the contract is spawned, unchanged, with the state that this came to; its
owner stays the owner, and heights go on from its last block, one in two minutes. Tags of the
spawn name the contract and digest history and state: whoever has the two files can check them
with --check.

Examples:
  hb import warp --definition pst.json --interactions history.json --check
  hb import warp --definition pst.json --interactions history.json --expect dre.json --wallet me.json
  hb import warp --definition pst.json --interactions history.json --wallet me.json --json`

type Options = UrlOptions &
  WalletOptions & {
    readonly definition: string
    readonly interactions: string
    readonly expect?: string
    readonly check?: true
    readonly timeout: number
    readonly json?: true
  }

export function addImport(program: Command, context: CommandContext): void {
  const group = program.command('import').description('bring in what lives elsewhere')
  const command = group
    .command('warp')
    .description('an existing Warp contract with its history, as a process')
    .requiredOption('--definition <file>', 'the contract, as Warp’s gateway gives it')
    .requiredOption('--interactions <file>', 'its interactions, as Warp’s gateway gives them')
    .option('--expect <file>', 'the state that must come of it (or "state" in the definition)')
    .option('--check', 'evaluate and compare only: spawn nothing')
    .option('--timeout <seconds>', 'stop waiting for the spawn after so long', secondsValue, 30)
    .addHelpText('after', HELP)
  jsonOption(walletOption(urlOption(command))).action(async (options: Options) => {
    context.exitCode = await importWarp(context, options)
  })
}

async function importWarp(context: CommandContext, options: Options): Promise<number> {
  const { terminal } = context
  const replay = await import('../../replay/index.ts')
  const contract = replay.readContract(await readText(options.definition))
  const interactions = replay.readInteractions(await readText(options.interactions), contract.id)
  const expected = await expectedOf(contract, options)
  const client = options.check === true ? undefined : await openClient(context, options)
  const wallet = client === undefined ? undefined : await openWallet(terminal, options)
  const { defaultLimits } = await import('../../protocol/limits.ts')
  const { createSmartweaveRuntime } = await import('../../runtime/index.ts')
  const limits = { ...defaultLimits(), ...(await client?.network())?.limits }
  const runtime = createSmartweaveRuntime()
  const progress = showProgress(terminal, 'evaluating the history', 'interactions')
  let evaluated: EvaluatedHistory
  try {
    evaluated = replay.evaluateHistory({ runtime, limits, contract }, interactions, (done) =>
      progress.at(done, interactions.length),
    )
  } finally {
    progress.end()
    runtime.close()
  }
  const difference = expected && expectedDifference(expected, evaluated)
  if (difference !== undefined) throw new HbError('warp-state-differs', difference)
  const view: ImportView = viewOf(contract, evaluated, expected)
  if (client === undefined || wallet === undefined) {
    printImport(terminal, options.json === true, view)
    return EXIT.ok
  }
  const state = replay.importedState(contract, evaluated)
  const spawn = { source: evaluated.source, engine: 'smartweave' as const, state }
  checkSize(spawn, limits)
  const { id, process } = await client.spawn(wallet, { ...spawn, tags: tagsOf(view) })
  const waited = { stage: 'result' as const, timeoutMs: options.timeout * 1_000 }
  const { result } = await client.wait(id, { ...waited, signal: terminal.signal })
  if (result?.status === 'error') throw new HbError('module-invalid', `${result.code}: ${result.text}`)
  if (result === undefined) {
    printImport(terminal, options.json === true, { ...view, ok: false, process })
    return EXIT.pending
  }
  const served = JSON.parse((await client.state(process)).text) as Record<string, unknown>
  delete served[replay.RESERVED]
  if (JSON.stringify(served) !== evaluated.stateText) {
    throw new HbError('warp-state-differs', `the node has another state of ${process}`)
  }
  printImport(terminal, options.json === true, { ...view, process })
  return EXIT.ok
}

async function expectedOf(
  { state }: WarpContract,
  { expect }: Options,
): Promise<WarpEvaluated | undefined> {
  if (expect === undefined) return state && { state, validity: undefined }
  const { readEvaluated } = await import('../../replay/index.ts')
  return readEvaluated(await readText(expect))
}

function viewOf(
  { id, owner }: WarpContract,
  evaluated: EvaluatedHistory,
  expected: WarpEvaluated | undefined,
): ImportView {
  const { counts, verdicts, sourceId, historyDigest, stateDigest, last } = evaluated
  return {
    ok: true,
    contract: id,
    owner,
    source: sourceId,
    interactions: verdicts.size,
    counts,
    ...(last !== undefined && { sortKey: last.sortKey }),
    history: historyDigest,
    state: stateDigest,
    compared: expected === undefined ? [] : expected.validity ? ['state', 'validity'] : ['state'],
  }
}

function tagsOf(view: ImportView): Record<string, string> {
  return {
    'Warp-Contract': view.contract,
    'Warp-Source': view.source,
    'Warp-Interactions': String(view.interactions),
    ...(view.sortKey !== undefined && { 'Warp-Sort-Key': view.sortKey }),
    'Warp-History': view.history,
    'Warp-State': view.state,
  }
}

/** Signature, tags and what JSON adds take some of a message's room. */
const ROOM_BYTES = 4_096

function checkSize(
  { source, state }: { source: string; state: object },
  limits: Readonly<Record<string, number>>,
): void {
  const { messageBytesMax = 0, moduleBytesMax = 0 } = limits
  const module = Buffer.byteLength(source)
  const bytes = Buffer.byteLength(JSON.stringify({ source, state }))
  if (module > moduleBytesMax || bytes + ROOM_BYTES > messageBytesMax) {
    const sizes = `source ${module} bytes (at most ${moduleBytesMax}), with the state ${bytes}`
    throw new HbError('warp-import-too-large', `${sizes} (at most ${messageBytesMax - ROOM_BYTES})`)
  }
}
