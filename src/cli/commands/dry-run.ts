// hb dry-run: what a message would do to a process, now or as it was; nothing is sent.

import { Option, type Command } from 'commander'
import type { DryRunSpec, DryRunView } from '../../client/index.ts'
import type { Tag } from '../../protocol/message.ts'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import type { HistoryOptions } from '../history.ts'
import { dataOptions, messageData, type DataOptions } from '../message-data.ts'
import {
  jsonOption,
  openClient,
  openWallet,
  processNamed,
  tagValue,
  timeValue,
  urlOption,
  walletOption,
  wholeValue,
  type UrlOptions,
  type WalletOptions,
} from '../options.ts'
import { printDryRun } from '../print-dry-run.ts'
import type { PointOptions } from '../states-then.ts'

const HELP = `
<process> is an id, or the name of a process of genesis. The caller is --caller, else the wallet's
address: nothing is signed. A state of before is found by replay of the recorded log: in --data-dir,
or on --bootstrap-server; the time is now all the same, unless --timestamp says another.

Examples:
  hb dry-run hyper-coin --action Transfer --tag Recipient=<address> --tag Quantity=10
  hb dry-run <process> --action Set --input '{"key":"a"}' --caller <address> --state
  hb dry-run <process> --action Credit-Notice --from process --kind notice --caller hyper-coin
  hb dry-run <process> --action Set --at-slot 12 --data-dir hb-data --json`

type Options = UrlOptions &
  WalletOptions &
  DataOptions &
  PointOptions & {
    readonly action?: string
    readonly tag?: readonly Tag[]
    readonly caller?: string
    readonly from?: 'wallet' | 'process'
    readonly kind?: 'message' | 'notice' | 'bounce'
    readonly timestamp?: number
    readonly dataDir?: string
    readonly state?: true
    readonly json?: true
  }

export function addDryRun(program: Command, context: CommandContext): void {
  const command = program
    .command('dry-run <process>')
    .description('show what a message would do; nothing is sent')
    .option('--action <name>', 'the tag Action')
    .option('--tag <Name=Value>', 'a tag; may be repeated', tagValue)
  dataOptions(command)
    .option('--caller <address>', 'whose message it would be (or an id with --from process)')
    .addOption(new Option('--from <whom>', 'what the caller is').choices(['wallet', 'process']))
    .addOption(
      new Option('--kind <kind>', 'of a process').choices(['message', 'notice', 'bounce']),
    )
    .option('--timestamp <time>', 'of the entry: an ISO time, or ms since 1970', timeValue)
    .option('--state', 'show the state after it, too')
    .option('--at-slot <slot>', 'try it on the state after this slot', wholeValue)
    .option('--at-height <height>', 'after this height of its partition', wholeValue)
    .option('--at-time <time>', 'as it was then: an ISO time, or ms since 1970', timeValue)
    .option('--data-dir <dir>', 'read the embedded log there (default hb-data); with --at-…')
    .addHelpText('after', HELP)
  jsonOption(walletOption(urlOption(command))).action(async (name: string, options: Options) => {
    const spec = await specOf(context, options)
    const view = isThen(options)
      ? await runThen(context, name, options, spec)
      : await runNow(context, name, options, spec)
    context.exitCode = printDryRun(context.terminal, options.json === true, view)
  })
}

function isThen({ atSlot, atHeight, atTime }: PointOptions): boolean {
  return atSlot !== undefined || atHeight !== undefined || atTime !== undefined
}

async function specOf(context: CommandContext, options: Options): Promise<DryRunSpec> {
  const { action, tag: tags, from, kind, timestamp } = options
  const data = await messageData(options)
  const caller = options.caller ?? (await openWallet(context.terminal, options)).address
  return {
    caller,
    ...(action !== undefined && { action }),
    ...(tags !== undefined && { tags }),
    ...(from !== undefined && { from }),
    ...(kind !== undefined && { kind }),
    ...(timestamp !== undefined && { timestamp }),
    ...(data !== undefined && { data }),
  }
}

async function runNow(
  context: CommandContext,
  name: string,
  options: Options,
  spec: DryRunSpec,
): Promise<DryRunView> {
  if (options.dataDir !== undefined) {
    throw new HbError('usage', '--data-dir is for --at-slot, --at-height and --at-time')
  }
  const client = await openClient(context, options)
  const process = await processNamed(client, name)
  const caller = await processNamed(client, spec.caller)
  return client.dryRun(process, { ...spec, caller }, { state: options.state === true })
}

async function runThen(
  context: CommandContext,
  name: string,
  { data: _text, dataDir, ...options }: Options,
  spec: DryRunSpec,
): Promise<DryRunView> {
  const { pointOf } = await import('../states-then.ts')
  const { dryRunThen } = await import('../dry-run-then.ts')
  const where: HistoryOptions = { ...options, ...(dataDir !== undefined && { data: dataDir }) }
  const withState = options.state === true
  return dryRunThen(context, name, where, { point: pointOf(options), spec, withState })
}
