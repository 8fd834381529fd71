// The command table of `hb`, and what becomes of its errors. Commands load what they need when they
// run, so that help is fast; only commander and the commands' own help are read before.

import { Command, CommanderError } from 'commander'
import { HbError, isHbError } from '../std/errors.ts'
import type { CommandContext } from './context.ts'
import { addDemo } from './commands/demo-command.ts'
import { addKeys } from './commands/keys.ts'
import { addLog } from './commands/log.ts'
import { addResult } from './commands/result.ts'
import { addSend } from './commands/send.ts'
import { addSpawn } from './commands/spawn.ts'
import { addStart } from './commands/start.ts'
import { addState } from './commands/state.ts'
import { EXIT, EXIT_HELP, exitCodeOf } from './exit-codes.ts'
import { paint, printable, type Terminal } from './terminal.ts'

const DESCRIPTION = `Hollow BEAM: isolated processes that talk only by messages, ordered by a log.

First steps:
  hb demo                                   see the whole flow on this machine
  hb start                                  run a node on the embedded log
  hb keys generate --out me.json            make a wallet
  hb spawn contract.ts --wallet me.json     make a process of a contract
  hb send <process> --action Ping --wallet me.json
  hb state <process>`

/** Runs one command line (without program and script name); resolves with the exit code. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const context: CommandContext = { terminal, exitCode: EXIT.ok }
  const program = buildProgram(context)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return context.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    printError(terminal, error, args.includes('--json'))
    return exitCodeOf(error)
  }
}

function buildProgram(context: CommandContext): Command {
  const { out, err } = context.terminal
  const program = new Command('hb')
  program
    .description(DESCRIPTION)
    .addHelpText('after', `\n${EXIT_HELP}\n\nEnvironment: HB_URL, HB_WALLET, NO_COLOR`)
    .configureOutput({
      writeOut: (text) => out(trimmed(text)),
      writeErr: (text) => err(trimmed(text)),
    })
    .configureHelp({ sortSubcommands: false })
    .showHelpAfterError('(hb help <command> shows how it is used)')
    .exitOverride()
  addDemo(program, context)
  addStart(program, context)
  addKeys(program, context)
  addSpawn(program, context)
  addSend(program, context)
  addResult(program, context)
  addState(program, context)
  addLog(program, context)
  return program
}

function printError(terminal: Terminal, caught: unknown, json: boolean): void {
  const error = isHbError(caught) ? caught : new HbError('internal-error', String(caught))
  const { code, message, advice, detail } = error
  if (json) {
    terminal.out(JSON.stringify({ ok: false, error: { code, message, advice, detail } }))
    return
  }
  const colors = paint(terminal.color)
  terminal.err(`${colors.red(`${code}:`)} ${printable(message)}`)
  terminal.err(`  ${advice}`)
  if (!isHbError(caught) && caught instanceof Error) terminal.err(caught.stack ?? '')
}

function trimmed(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text
}
