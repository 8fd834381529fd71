// hb replay --with: another contract over the recorded history of a process, and where its results
// would have been others.

import type { MessageBrief, Trial, TrialDifference } from '../replay/index.ts'
import type { CommandContext } from './context.ts'
import type { ReplayCommandOptions } from './commands/replay.ts'
import { EXIT } from './exit-codes.ts'
import type { History, Workbench } from './history.ts'
import { processOf, withWorkbench } from './history.ts'
import { showProgress } from './progress.ts'
import { pairLines, shortId, type Cell } from './table.ts'
import { paint, printable, type Terminal } from './terminal.ts'

/** Resolves with the exit code: 1 if anything differs. */
export async function tryCode(
  context: CommandContext,
  history: History,
  options: ReplayCommandOptions & { readonly with: string },
): Promise<number> {
  const { network } = history
  const { bundleContract } = await import('../client/index.ts')
  const bundle = await bundleContract(options.with)
  const code = { engine: 'quickjs' as const, ...bundle }
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
  const ok = trial.different === 0 && trial.sameState
  const { terminal } = context
  if (options.json === true) {
    terminal.out(JSON.stringify({ ok, module: code.hash, ...trial, differences: shown }))
  } else printTrial(terminal, trial, shown)
  return ok ? EXIT.ok : EXIT.failed
}

type About = {
  readonly process: string
  readonly code: { readonly engine: 'quickjs'; readonly source: string; readonly hash: string }
  readonly own: Workbench
  readonly other: Workbench
  readonly onDifference: (difference: TrialDifference) => void
}

async function run(
  { terminal }: CommandContext,
  history: History,
  { from, to }: ReplayCommandOptions,
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
      onProgress: (done, total) => progress.at(done, total),
      signal: terminal.signal,
    })
  } finally {
    progress.end()
  }
}

function printTrial(terminal: Terminal, trial: Trial, shown: readonly TrialDifference[]): void {
  const colors = paint(terminal.color)
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
