// hb result: what became of a message.

import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import {
  jsonOption,
  openClient,
  urlOption,
  waitOptions,
  type UrlOptions,
  type WaitOptions,
} from '../options.ts'
import { printStatus } from '../print-status.ts'

const HELP = `
Examples:
  hb result <message>                 wait for the result, and show it
  hb result <message> --wait none     where it is right now
  hb result <message> --json | jq .result.messages`

type Options = UrlOptions & WaitOptions & { readonly json?: true }

export function addResult(program: Command, context: CommandContext): void {
  const command = program
    .command('result <message>')
    .description("show a message's receipt and result")
    .addHelpText('after', HELP)
  jsonOption(waitOptions(urlOption(command))).action(async (id: string, options: Options) => {
    const { terminal } = context
    const client = await openClient(context, options)
    const status =
      options.wait === 'none'
        ? await client.message(id)
        : await client.wait(id, {
            stage: options.wait,
            timeoutMs: options.timeout * 1_000,
            signal: terminal.signal,
          })
    context.exitCode = printStatus(terminal, options.json === true, status, options.wait)
  })
}
