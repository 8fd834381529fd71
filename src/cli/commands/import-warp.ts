// hb import warp: an existing Warp contract with its history, as a process.
//
// Invariant: nothing is spawned unless the history, evaluated here, comes to the state that was
// expected, where one was given; and the command succeeds only if the node then has that state.

import type { Command } from 'commander'
import type { Client, Wallet } from '../../client/index.ts'
import type { ProtocolLimits } from '../../protocol/limits.ts'
import type { EvaluatedHistory, WarpContract, WarpEvaluated } from '../../replay/index.ts'
import type { WarpInteraction } from '../../replay/index.ts'
import { isIdText } from '../../std/bytes.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import { parseJson } from '../../std/json-text.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption, openClient, openWallet, readText, secondsValue } from '../options.ts'
import { urlOption, walletOption, type UrlOptions, type WalletOptions } from '../options.ts'
import { printImport, type ImportView } from '../print-import.ts'
import { showProgress } from '../progress.ts'
import type { Terminal } from '../terminal.ts'

const HELP = `
--definition: what Warp's gateway answers to /gateway/contract; "sources" may add the texts of
those it evolved to: {"<source id>": "<text>"}.
--interactions: what it answers to /gateway/v3/interactions-sort-key, all pages in one list.
--expect: the state that a DRE evaluated, or its whole answer; then validity is compared as well.

Every interaction is evaluated here with what was recorded of it: caller, tags, block, sort key.
If this comes to what is expected, the contract is spawned, unchanged, on its first state, and
every interaction is sent to it, a message of yours that carries what was recorded: so the history
is in the log. Until it is complete the process takes nothing else. Its owner stays the owner, and
heights go on from its last block, one in two minutes. With --state-only it is spawned on the
evaluated state, and of the history only a digest goes in; a contract that evolved needs it.

Examples (the wallet in HB_WALLET):
  hb import warp --definition pst.json --interactions history.json --check
  hb import warp --definition pst.json --interactions history.json --expect dre.json
  hb import warp --definition pst.json --interactions history.json --resume <process>
  hb import warp --definition pst.json --interactions history.json --state-only --json`

type Options = UrlOptions &
  WalletOptions & {
    readonly definition: string
    readonly interactions: string
    readonly expect?: string
    readonly check?: true
    readonly stateOnly?: true
    readonly resume?: string
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
    .option('--state-only', 'spawn it on the evaluated state: the history stays outside')
    .option('--resume <process>', 'go on with an import that stopped half-way')
    .option('--timeout <seconds>', 'stop waiting for a result after so long', secondsValue, 30)
    .addHelpText('after', HELP)
  jsonOption(walletOption(urlOption(command))).action(async (options: Options) => {
    context.exitCode = await importWarp(context, options)
  })
}

async function importWarp(context: CommandContext, options: Options): Promise<number> {
  const { terminal } = context
  check(options)
  const replay = await import('../../replay/index.ts')
  const contract = replay.readContract(await readText(options.definition))
  const interactions = replay.readInteractions(await readText(options.interactions), contract.id)
  const expected = await expectedOf(contract, options)
  const client = options.check === true ? undefined : await openClient(context, options)
  const wallet = client === undefined ? undefined : await openWallet(terminal, options)
  const { defaultLimits } = await import('../../protocol/limits.ts')
  const limits = { ...defaultLimits(), ...(await client?.network())?.limits }
  const evaluated = await evaluate(terminal, { limits, contract }, interactions)
  const { expectedDifference } = await import('../import-expected.ts')
  const difference = expected && expectedDifference(expected, evaluated)
  if (difference !== undefined) throw new HbError('warp-state-differs', difference)
  const view = viewOf(contract, evaluated, expected)
  if (client === undefined || wallet === undefined) {
    printImport(terminal, options.json === true, view)
    return EXIT.ok
  }
  if (options.stateOnly !== true && evaluated.evolved > 0) {
    const times = `it evolved ${evaluated.evolved} times: give --state-only`
    throw new HbError('warp-history-unsupported', times)
  }
  const made: Made = { terminal, options, client, wallet, limits, view, contract, evaluated }
  const process = options.resume ?? (await spawn(made))
  if (options.stateOnly !== true) await bringIn(made, process, interactions)
  await checkServed(client, process, evaluated)
  printImport(terminal, options.json === true, { ...view, process })
  return EXIT.ok
}

type Made = {
  readonly terminal: Terminal
  readonly options: Options
  readonly client: Client
  readonly wallet: Wallet
  readonly limits: Readonly<Record<string, number>>
  readonly view: ImportView
  readonly contract: WarpContract
  readonly evaluated: EvaluatedHistory
}

function check({ check, stateOnly, resume }: Options): void {
  if (resume === undefined) return
  if (!isIdText(resume)) throw new HbError('id-malformed', `--resume ${resume}`)
  if (check === true || stateOnly === true) {
    throw new HbError('usage', '--resume goes on with a history: no --check, no --state-only')
  }
}

async function evaluate(
  terminal: Terminal,
  given: { readonly limits: ProtocolLimits; readonly contract: WarpContract },
  interactions: readonly WarpInteraction[],
): Promise<EvaluatedHistory> {
  const { createSmartweaveRuntime } = await import('../../runtime/index.ts')
  const { evaluateHistory } = await import('../../replay/index.ts')
  const runtime = createSmartweaveRuntime()
  const progress = showProgress(terminal, 'evaluating the history', 'interactions')
  try {
    return evaluateHistory({ runtime, ...given }, interactions, (done) => {
      if (terminal.signal.aborted) throw new HbError('usage', 'stopped before anything was sent')
      progress.at(done, interactions.length)
    })
  } finally {
    progress.end()
    runtime.close()
  }
}

async function spawn({ terminal, options, client, wallet, ...rest }: Made): Promise<string> {
  const { limits, view, contract, evaluated } = rest
  const { importedState } = await import('../../replay/index.ts')
  const { beginningState } = await import('../import-history.ts')
  const spec = {
    engine: 'smartweave' as const,
    source: evaluated.source,
    state: options.stateOnly ? importedState(contract, evaluated) : beginningState(contract),
    tags: tagsOf(view),
  }
  checkSize(spec, limits)
  const { id, process } = await client.spawn(wallet, spec)
  const timeoutMs = options.timeout * 1_000
  const status = await client.wait(id, { stage: 'result', timeoutMs, signal: terminal.signal })
  const { result, refusal } = status
  if (result?.status === 'ok') return process
  const why = result ?? refusal
  if (why === undefined) throw new HbError('node-too-slow', `the spawn ${id} is ${status.stage}`)
  throw new HbError('warp-import-stopped', `the spawn ${id}: ${why.code}: ${why.text}`)
}

async function bringIn(
  { terminal, options, ...made }: Made,
  process: string,
  interactions: readonly WarpInteraction[],
): Promise<void> {
  const { signal } = terminal
  const { sendHistory } = await import('../import-history.ts')
  const progress = showProgress(terminal, 'bringing in the history', 'interactions')
  try {
    const timeoutMs = options.timeout * 1_000
    const onProgress = (done: number): void => progress.at(done, interactions.length)
    await sendHistory({ ...made, process, interactions, timeoutMs, signal, onProgress })
  } catch (error) {
    if (isHbError(error) && error.code === 'warp-import-stopped') throw error
    const why = isHbError(error) ? `${error.code}: ${error.detail}` : String(error)
    throw new HbError('warp-import-stopped', `--resume ${process} (${why})`, { cause: error })
  } finally {
    progress.end()
  }
}

/** The node's state of it must be what was evaluated here. */
async function checkServed(
  client: Client,
  process: string,
  { stateText }: EvaluatedHistory,
): Promise<void> {
  const { RESERVED } = await import('../../replay/index.ts')
  const served = parseJson((await client.state(process)).text) as Record<string, unknown>
  delete served[RESERVED]
  if (JSON.stringify(served) === stateText) return
  throw new HbError('warp-state-differs', `the node has another state of ${process}`)
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
