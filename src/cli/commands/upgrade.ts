// hb upgrade: another module for a process, by its owner; or what that would do.

import type { Command } from 'commander'
import type { MessageSpec } from '../../client/index.ts'
import { isIdText } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import {
  jsonOption,
  openClient,
  openWallet,
  processNamed,
  secondsValue,
  urlOption,
  walletOption,
} from '../options.ts'
import type { UrlOptions, WalletOptions } from '../options.ts'

const HELP = `
The contract takes it from its owner where it has upgradable() of the HB lib among its actions. The
new module's migrate(state), where it exports one, brings the state to its own form; if it fails,
everything is as before. A process that runs the module already is left alone.

--dry-run shows what migrate would make of the state, and sends nothing; "hb replay --with" with
--upgrade-at also what the new module would have done with the messages since a slot.

Examples:
  hb upgrade <process> counter-2.ts --wallet me.json
  hb upgrade <process> counter-2.ts --dry-run
  hb upgrade <process> --module 4PLo7rCCU0bAhihxgWwWpcoRX04Klmt4uhaGH45NN3A --json`

type Options = UrlOptions &
  WalletOptions & {
    readonly module?: string
    readonly dryRun?: true
    readonly timeout: number
    readonly json?: true
  }

export function addUpgrade(program: Command, context: CommandContext): void {
  const command = program
    .command('upgrade <process> [contract]')
    .description('give a process another module (a .ts or .js file), as its owner')
    .option('--module <hash>', "instead of a file: a module that the process's partition knows")
    .option('--dry-run', 'show what it would do; nothing is sent')
    .option('--timeout <seconds>', 'stop waiting after so long', secondsValue, 30)
    .addHelpText('after', HELP)
  jsonOption(walletOption(urlOption(command))).action(
    async (name: string, contract: string | undefined, options: Options) => {
      context.exitCode = await upgrade(context, name, contract, options)
    },
  )
}

async function upgrade(
  context: CommandContext,
  name: string,
  contract: string | undefined,
  options: Options,
): Promise<number> {
  const { terminal } = context
  const json = options.json === true
  const { to, ...content } = await moduleOf(contract, options)
  const wallet = await openWallet(terminal, options)
  const client = await openClient(context, options)
  const target = await processNamed(client, name)
  const { engine, module: from } = await client.process(target)
  if (engine !== 'quickjs') {
    const how = "hb send, with what the process's own code upgrades on"
    throw new HbError('usage', `${name} runs on ${engine}, where there is no upgradable(): ${how}`)
  }
  const asking = { wallet, from, to, spec: { target, action: 'Upgrade', ...content } }
  const { doUpgrade, tryUpgrade } = await import('../upgrade-process.ts')
  if (options.dryRun === true) return tryUpgrade(terminal, client, asking, json)
  if (from === to) {
    const modules = { process: target, from, to }
    terminal.out(json ? JSON.stringify({ ok: true, ...modules }) : `It runs ${to} already.`)
    return EXIT.ok
  }
  return doUpgrade(terminal, client, asking, options.timeout, json)
}

async function moduleOf(
  contract: string | undefined,
  { module }: Options,
): Promise<Pick<MessageSpec, 'data' | 'tags'> & { readonly to: string }> {
  if (module !== undefined && contract === undefined) {
    if (!isIdText(module)) throw new HbError('id-malformed', `--module ${module}`)
    return { to: module, tags: { Module: module } }
  }
  if (module !== undefined || contract === undefined) {
    throw new HbError('usage', "give a contract's file, or --module and its hash")
  }
  const { bundleContract } = await import('../../client/index.ts')
  const { source, hash } = await bundleContract(contract)
  return { to: hash, data: source }
}
