// hb replay: states and results again from the recorded log, compared with what was published and
// what is served, or with what other code would have made of it.

import type { Command } from 'commander'
import type { Network } from '../../protocol/genesis.ts'
import type { Replayed } from '../../replay/index.ts'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import type { History, HistoryOptions } from '../history.ts'
import { dataOption, processOf, servedBy, withHistory, withWorkbench } from '../history.ts'
import { jsonOption, urlOption, wholeValue } from '../options.ts'
import { isSame, printReplays, replayView } from '../print-replay.ts'
import { showProgress } from '../progress.ts'

const HELP = `
It reads the log beside whatever runs: it joins no group, commits nothing, publishes nothing. It
begins at height 0; with --from at the newest recorded states before it, where there are some.

--verify compares every result with what the outbox retains and, where a node is named (--url,
HB_URL) or found by the brokers, the states with those it serves: exit code 1 if anything differs.
--with runs another contract over what the process was sent: exit code 1 if anything differs. With
--upgrade-at it takes over as an upgrade behind that slot, migrate and all: "end" shows what that
makes of the state of now. (hb upgrade --dry-run asks the owner's contract, too.)

Examples:
  hb replay --data hb-data --verify              every partition of an embedded log
  hb replay --partition 3 --from 100000 --verify
  hb replay --process <process> --to 500
  hb replay --process <process> --with new.ts    what would the new code have done?
  hb replay --process <process> --with new.ts --upgrade-at 120
  hb replay --bootstrap-server host:9092 --partition 0 --verify --json`

export type ReplayCommandOptions = HistoryOptions & {
  readonly process?: string
  readonly partition?: number
  readonly from?: number
  readonly to?: number
  readonly verify?: true
  readonly with?: string
  readonly module?: string
  readonly upgradeAt?: number | 'end'
  readonly limit: number
  readonly json?: true
}

export function addReplay(program: Command, context: CommandContext): void {
  const command = program
    .command('replay')
    .description('rebuild states from the recorded log, and compare; or try other code on it')
    .option('--process <process>', 'this process alone (by id, or by its name in genesis)')
    .option('--partition <number>', 'this partition alone (default: all)', wholeValue)
    .option('--from <height>', 'count and compare from this height on', wholeValue)
    .option('--to <height>', 'stop behind this height', wholeValue)
    .option('--verify', 'compare with the outbox, and with a node where one is reached')
    .option('--with <contract>', 'run this contract over the recorded actions of --process')
    .option('--module <hash>', 'as --with: a module that was recorded')
    .option('--upgrade-at <slot>', 'let it take over as an upgrade behind this slot', slotOrEnd)
    .option('--limit <count>', 'with --with: differences that are shown', wholeValue, 20)
  dataOption(urlOption(command)).addHelpText('after', HELP)
  jsonOption(command).action((options: ReplayCommandOptions) => replay(context, options))
}

async function replay(context: CommandContext, options: ReplayCommandOptions): Promise<void> {
  check(options)
  context.exitCode = await withHistory(context, options, async (history) => {
    if (triesCode(options)) {
      const { tryCode } = await import('../try-code.ts')
      return tryCode(context, history, options)
    }
    return replayAll(context, history, options)
  })
}

function check(options: ReplayCommandOptions): void {
  const { process, partition, from, to, verify, upgradeAt } = options
  if (process !== undefined && partition !== undefined) {
    throw new HbError('usage', 'name --process or --partition, not both')
  }
  if (from !== undefined && to !== undefined && from > to) {
    throw new HbError('usage', `--from ${from} lies behind --to ${to}`)
  }
  if (!triesCode(options)) {
    if (upgradeAt === undefined) return
    throw new HbError('usage', '--upgrade-at needs --with or --module: upgrade to what?')
  }
  if (options.with !== undefined && options.module !== undefined) {
    throw new HbError('usage', 'name --with or --module, not both')
  }
  if (process === undefined) throw new HbError('usage', '--with needs --process')
  if (verify === true) throw new HbError('usage', '--verify compares the recorded code: no --with')
  if (from !== undefined && upgradeAt !== undefined) {
    throw new HbError('usage', '--from takes over without migrate, --upgrade-at with it: one')
  }
}

function triesCode(options: ReplayCommandOptions): boolean {
  return options.with !== undefined || options.module !== undefined
}

function slotOrEnd(text: string): number | 'end' {
  return text === 'end' ? text : wholeValue(text)
}

async function replayAll(
  context: CommandContext,
  history: History,
  options: ReplayCommandOptions,
): Promise<number> {
  const { terminal } = context
  const { network } = history
  const node = options.verify === true ? await servedBy(context, options, network) : undefined
  const { partitionOf } = await import('../../protocol/topics.ts')
  const process = options.process === undefined ? undefined : processOf(network, options.process)
  const { partitions } = network.genesis
  const named = process === undefined ? options.partition : partitionOf(process, partitions)
  const progress = showProgress(terminal, 'replay', 'records')
  const replays: Replayed[] = []
  try {
    for (const partition of wanted(network, named)) {
      progress.begin(`replaying partition ${partition}`)
      const one = { partition, process, node, progress }
      replays.push(await replayOne(context, history, options, one))
    }
  } finally {
    progress.end()
  }
  const ok = replays.every(isSame)
  if (options.json === true) terminal.out(JSON.stringify(replayView(ok, replays, node?.url)))
  else printReplays(terminal, network, replays, options.verify === true, node?.url)
  return ok ? EXIT.ok : EXIT.failed
}

type One = {
  readonly partition: number
  readonly process: string | undefined
  readonly node: Awaited<ReturnType<typeof servedBy>>
  readonly progress: ReturnType<typeof showProgress>
}

async function replayOne(
  { terminal }: CommandContext,
  history: History,
  { from, to, verify }: ReplayCommandOptions,
  { partition, process, node, progress }: One,
): Promise<Replayed> {
  const { availableParallelism } = await import('node:os')
  const { replayPartition } = await import('../../replay/index.ts')
  const workers = process === undefined ? availableParallelism() : 1
  return withWorkbench(history.network, workers, (bench) =>
    replayPartition({
      ...history,
      ...bench,
      partition,
      ...(process !== undefined && { process }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(verify !== undefined && { verify }),
      ...(node !== undefined && { served: node.served }),
      onProgress: (done, total) => progress.at(done, total),
      signal: terminal.signal,
    }),
  )
}

function wanted({ genesis }: Network, partition: number | undefined): number[] {
  const all = Array.from({ length: genesis.partitions }, (_, index) => index)
  if (partition === undefined) return all
  if (partition < genesis.partitions) return [partition]
  throw new HbError('partition-unknown', `${partition} of ${genesis.partitions}`)
}
