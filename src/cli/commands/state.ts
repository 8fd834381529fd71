// hb state: a process's state.

import { parseJson } from '../../std/json-text.ts'
import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { jsonOption, openClient, processNamed, urlOption, type UrlOptions } from '../options.ts'
import { jsonForTerminal, paint } from '../terminal.ts'

const HELP = `
Examples:
  hb state hyper-coin                            the state, laid out for reading
  hb state <process> --json | jq .state.balances
  hb state <process> --raw > state.json           the exact text of the state`

type Options = UrlOptions & { readonly json?: true; readonly raw?: true }

export function addState(program: Command, context: CommandContext): void {
  const { terminal } = context
  const command = program
    .command('state <process>')
    .description("show a process's state (by id, or by its name in genesis)")
    .option('--raw', "the state's text as it is, byte for byte")
    .addHelpText('after', HELP)
  jsonOption(urlOption(command)).action(async (name: string, options: Options) => {
    const client = await openClient(context, options)
    const { process, slot, stateHash, text } = await client.state(await processNamed(client, name))
    if (options.raw === true) return terminal.out(text)
    if (options.json === true) {
      const head = JSON.stringify({ ok: true, process, slot, stateHash })
      // the text itself, so that no key changes its place
      return terminal.out(`${head.slice(0, -1)},"state":${text}}`)
    }
    terminal.err(paint(terminal.color).dim(`slot ${slot}, state hash ${stateHash}`))
    terminal.out(jsonForTerminal(parseJson(text), 2))
  })
}
