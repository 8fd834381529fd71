// hb send: a signed message to a process.

import type { Command } from 'commander'
import type { MessageSpec } from '../../client/index.ts'
import type { Tag } from '../../protocol/message.ts'
import { systemClock } from '../../std/clock.ts'
import type { CommandContext } from '../context.ts'
import { dataOptions, messageData, type DataOptions } from '../message-data.ts'
import {
  jsonOption,
  openClient,
  openWallet,
  processNamed,
  secondsValue,
  tagValue,
  urlOption,
  waitOptions,
  walletOption,
  type UrlOptions,
  type WaitOptions,
  type WalletOptions,
} from '../options.ts'
import { printStatus } from '../print-status.ts'

const HELP = `
<process> is an id, or the name of a process of genesis.

Examples:
  hb send <process> --action Ping --wallet me.json
  hb send hyper-coin --action Transfer --tag Recipient=<address> --tag Quantity=10
  hb send <process> --action Set --input '{"key":"a","value":1}'
  hb send <process> --data-file picture.png --wait none --json`

type Options = UrlOptions &
  WalletOptions &
  WaitOptions &
  DataOptions & {
    readonly action?: string
    readonly tag?: readonly Tag[]
    readonly expiresIn?: number
    readonly json?: true
  }

export function addSend(program: Command, context: CommandContext): void {
  const command = program
    .command('send <process>')
    .description('sign a message, send it, and wait for its result')
    .option('--action <name>', 'the tag Action')
    .option('--tag <Name=Value>', 'a tag; may be repeated', tagValue)
  dataOptions(command)
    .option('--expires-in <seconds>', 'refuse it if it is not ordered by then', secondsValue)
    .addHelpText('after', HELP)
  jsonOption(waitOptions(walletOption(urlOption(command)))).action(
    async (process: string, options: Options) => {
      context.exitCode = await send(context, process, options)
    },
  )
}

async function send(
  context: CommandContext,
  process: string,
  options: Options,
): Promise<number> {
  const { terminal } = context
  const json = options.json === true
  const data = await messageData(options)
  const wallet = await openWallet(terminal, options)
  const client = await openClient(context, options)
  const spec: MessageSpec = {
    target: await processNamed(client, process),
    data,
    ...(options.action === undefined ? {} : { action: options.action }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
    ...(options.expiresIn === undefined
      ? {}
      : { expires: Math.round(systemClock.now() + options.expiresIn * 1_000) }),
  }
  const accepted = await client.send(wallet, spec)
  const wait = options.wait
  if (wait === 'none') {
    terminal.out(json ? JSON.stringify({ ok: true, ...accepted, stage: 'pending' }) : accepted.id)
    return 0
  }
  const timeoutMs = options.timeout * 1_000
  const status = await client.wait(accepted.id, { stage: wait, timeoutMs, signal: terminal.signal })
  return printStatus(terminal, json, status, wait)
}
