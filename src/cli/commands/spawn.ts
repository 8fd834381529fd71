// hb spawn: a process out of a contract's file.

import { readFile } from 'node:fs/promises'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Tag } from '../../protocol/message.ts'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import {
  jsonOption,
  jsonValue,
  openClient,
  openWallet,
  tagValue,
  urlOption,
  waitOptions,
  walletOption,
} from '../options.ts'
import type { UrlOptions, WaitOptions, WalletOptions } from '../options.ts'
import { printStatus } from '../print-status.ts'

const HELP = `
The file exports handle(state, action); TypeScript and imports are bundled.
With --engine smartweave the file is sent as it is: a SmartWeave contract as it was published.
The new process's id is the message's id.

Examples:
  hb spawn counter.ts --wallet me.json
  hb spawn token.ts --state '{"balances":{}}' --tag Name=Gold --wallet me.json
  hb spawn --module 4PLo7rCCU0bAhihxgWwWpcoRX04Klmt4uhaGH45NN3A --wallet me.json
  hb spawn token.ts --state @state.json --json | jq -r .process
  hb spawn pst.js --engine smartweave --state @init-state.json --wallet me.json`

type Options = UrlOptions &
  WalletOptions &
  WaitOptions & {
    readonly state?: string
    readonly engine: 'quickjs' | 'smartweave'
    readonly module?: string
    readonly tag?: readonly Tag[]
    readonly json?: true
  }

export function addSpawn(program: Command, context: CommandContext): void {
  const command = program
    .command('spawn [contract]')
    .description('make a process of a contract (a .ts or .js file)')
    .option('--state <json>', 'its first state: a JSON object, or @file')
    .addOption(
      new Option('--engine <name>', 'what evaluates it')
        .choices(['quickjs', 'smartweave'])
        .default('quickjs'),
    )
    .option('--module <hash>', 'instead of a file: a module that the new partition knows')
    .option('--tag <Name=Value>', 'a tag of the message; may be repeated', tagValue)
    .addHelpText('after', HELP)
  jsonOption(waitOptions(walletOption(urlOption(command)))).action(
    async (contract: string | undefined, options: Options) => {
      context.exitCode = await spawn(context, contract, options)
    },
  )
}

async function spawn(
  context: CommandContext,
  contract: string | undefined,
  options: Options,
): Promise<number> {
  const { terminal } = context
  const state = options.state === undefined ? {} : await jsonValue(options.state, '--state')
  if (typeof state !== 'object' || state === null || Array.isArray(state)) {
    throw new HbError('usage', '--state must be a JSON object')
  }
  const wallet = await openWallet(terminal, options)
  const made = await moduleOf(contract, options)
  const client = await openClient(context, options)
  const { id, process, partition } = await client.spawn(wallet, {
    ...made,
    ...(options.engine === 'quickjs' ? {} : { engine: options.engine }),
    state: state as Record<string, unknown>,
    ...(options.tag === undefined ? {} : { tags: options.tag }),
  })
  if (options.wait === 'none') {
    const json = JSON.stringify({ ok: true, id, process, partition, stage: 'pending' })
    terminal.out(options.json === true ? json : process)
    return 0
  }
  const status = await client.wait(id, {
    stage: options.wait,
    timeoutMs: options.timeout * 1_000,
    signal: terminal.signal,
  })
  return printStatus(
    terminal,
    options.json === true,
    { ...{ process, partition }, ...status },
    options.wait,
  )
}

async function moduleOf(
  contract: string | undefined,
  { module, engine }: Options,
): Promise<{ readonly source: string } | { readonly module: string }> {
  if (module !== undefined && contract === undefined) return { module }
  if (module !== undefined || contract === undefined) {
    throw new HbError('usage', "give a contract's file, or --module and its hash")
  }
  if (engine === 'quickjs') {
    const { bundleContract } = await import('../../client/index.ts')
    return { source: (await bundleContract(contract)).source }
  }
  try {
    return { source: await readFile(contract, 'utf8') }
  } catch (error) {
    throw new HbError('bundle-file-missing', contract, { cause: error })
  }
}
