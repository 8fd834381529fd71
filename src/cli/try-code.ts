// hb replay --with: another contract over the recorded history of a process, and where its results
// would have been others.

import type { ModuleRef } from '../protocol/module-ref.ts'
import type { MessageBrief, Trial, TrialDifference, UpgradeTrial } from '../replay/index.ts'
import { isIdText } from '../std/bytes.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { CommandContext } from './context.ts'
import type { ReplayCommandOptions } from './commands/replay.ts'
import { EXIT } from './exit-codes.ts'
import type { History, Workbench } from './history.ts'
import { processOf, withWorkbench } from './history.ts'
import type { UpgradeView } from './print-upgrade.ts'
import { upgradeLines, upgradeView } from './print-upgrade.ts'
import { showProgress } from './progress.ts'
import { pairLines, shortId, type Cell } from './table.ts'
import { paint, printable, type Terminal } from './terminal.ts'

/** Resolves with the exit code: 1 if anything differs. */
export async function tryCode(
  context: CommandContext,
  history: History,
  options: ReplayCommandOptions,
): Promise<number> {
  const { network } = history
  const code = await codeOf(options)
  const process = processOf(network, options.process as string)
  const shown: TrialDifference[] = []
  const onDifference = (difference: TrialDifference): void => {
    if (shown.length < options.limit) shown.push(difference)
  }
  const trial = await withWorkbench(network, 1, (own) =>
    withWorkbench(network, 1, (other) => {
      const about = { process, code, own, other, onDifference }
      return run(context, history, options, about)
    }),
  )
  const { upgrade: tried, ...rest } = trial
  const upgrade = tried && (await viewOf(tried, code.hash))
  const isTaken = upgrade === undefined ? trial.sameState : upgrade.status === 'ok'
  const ok = trial.different === 0 && isTaken
  const { terminal } = context
  if (options.json === true) {
    const also = { ...(upgrade && { upgrade }), differences: shown }
    terminal.out(JSON.stringify({ ok, module: code.hash, ...rest, ...also }))
  } else printTrial(terminal, trial, upgrade, shown)
  return ok ? EXIT.ok : EXIT.failed
}

async function codeOf({ with: contract, module }: ReplayCommandOptions): Promise<ModuleRef> {
  const engine = 'quickjs'
  if (module !== undefined) {
    if (!isIdText(module)) throw new HbError('id-malformed', `--module ${module}`)
    return { engine, hash: module }
  }
  const { bundleContract } = await import('../client/index.ts')
  return { engine, ...(await bundleContract(contract as string)) }
}

async function viewOf(tried: UpgradeTrial, to: string): Promise<UpgradeView> {
  const { dryRunView } = await import('../node/index.ts')
  const { basis, timestamp, run } = tried
  const modules = { from: basis.module?.hash ?? '', to }
  return upgradeView(dryRunView(basis, timestamp, run), basis.snapshot, modules)
}

type About = {
  readonly process: string
  readonly code: ModuleRef
  readonly own: Workbench
  readonly other: Workbench
  readonly onDifference: (difference: TrialDifference) => void
}

async function run(
  { terminal }: CommandContext,
  history: History,
  { from, to, upgradeAt }: ReplayCommandOptions,
  about: About,
): Promise<Trial> {
  const replaying = await import('../replay/index.ts')
  const progress = showProgress(terminal, 'trying the code', 'records')
  try {
    return await replaying.tryCode({
      ...history,
      ...about,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(upgradeAt !== undefined && {
        upgrade: { behind: upgradeAt, now: systemClock.now() },
      }),
      onProgress: (done, total) => progress.at(done, total),
      signal: terminal.signal,
    })
  } finally {
    progress.end()
  }
}

function printTrial(
  terminal: Terminal,
  trial: Trial,
  upgrade: UpgradeView | undefined,
  shown: readonly TrialDifference[],
): void {
  const colors = paint(terminal.color)
  if (upgrade !== undefined) {
    for (const line of [...upgradeLines(terminal, upgrade), '']) terminal.out(line)
  }
  for (const { height, slot, action, fields, recorded, tried, messages } of shown) {
    const what = colors.bold(printable(action))
    terminal.out(`height ${height}  slot ${slot}  ${what}  ${colors.red(fields.join(', '))}`)
    terminal.out(colors.dim(`  recorded  ${side(recorded)}`))
    terminal.out(`  new       ${side(tried)}`)
    for (const { index, recorded: before, tried: now } of messages) {
      if (before !== undefined) terminal.out(`    ${colors.red(messageText('-', index, before))}`)
      if (now !== undefined) terminal.out(`    ${colors.green(messageText('+', index, now))}`)
    }
  }
  const more = trial.different - shown.length
  if (more > 0) terminal.out(`… and ${more} more (--limit shows more)`)
  if (trial.different > 0) terminal.out('')
  for (const line of pairLines(pairsOf(trial), colors)) terminal.out(line)
}

function pairsOf({ began, entries, different, gas, sameState }: Trial): [string, Cell][] {
  const from = began.at === 'genesis' ? 'genesis' : `the manifest of height ${began.height}`
  return [
    ['began at', from],
    ['entries', entries],
    ['differ', { text: String(different), style: different === 0 ? 'green' : 'red' }],
    ['gas', `${gas.recorded} recorded, ${gas.tried} new`],
    ['state at the end', sameState ? 'the same' : { text: 'another', style: 'red' }],
  ]
}

function messageText(mark: '-' | '+', index: number, message: MessageBrief): string {
  const { kind, tags, target, data } = message
  const named = Object.entries(tags).map(([name, value]) => `${name}=${value}`)
  const to = target === '' ? '' : `to ${shortId(target)}`
  return printable([mark, `message ${index}:`, kind, to, ...named, data].join(' ').trimEnd())
}

function side({ status, code, text, stateHash }: TrialDifference['recorded']): string {
  const outcome = status === 'ok' ? 'ok' : `${code}: ${text}`
  return `${printable(outcome)}, state hash ${stateHash}`
}
