// The command table of `hb`, and what becomes of its errors. Commands load what they need when they
// run, so that help is fast; only commander and the commands' own help are read before.

import { Command, CommanderError } from 'commander'
import { isIdText } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { CommandContext, OpenBrokers } from './context.ts'
import { addAcls } from './commands/acls.ts'
import { addArchive } from './commands/archive.ts'
import { addConnect } from './commands/connect.ts'
import { addDemo } from './commands/demo-command.ts'
import { addDiff } from './commands/diff.ts'
import { addDlq } from './commands/dlq.ts'
import { addDryRun } from './commands/dry-run.ts'
import { addImport } from './commands/import-warp.ts'
import { addKeys } from './commands/keys.ts'
import { addLog } from './commands/log.ts'
import { addNew } from './commands/new.ts'
import { addRebuild } from './commands/rebuild.ts'
import { addReplay } from './commands/replay.ts'
import { addRestore } from './commands/restore.ts'
import { addResult } from './commands/result.ts'
import { addSchemas } from './commands/schemas.ts'
import { addSend } from './commands/send.ts'
import { addSpawn } from './commands/spawn.ts'
import { addStart } from './commands/start.ts'
import { addState } from './commands/state.ts'
import { addFeatures } from './commands/features.ts'
import { addStatus } from './commands/status.ts'
import { addTopics } from './commands/topics.ts'
import { addUpgrade } from './commands/upgrade.ts'
import { EXIT, EXIT_HELP, exitCodeOf } from './exit-codes.ts'
import { paint, printable, type Terminal } from './terminal.ts'

const DESCRIPTION = `Hollow BEAM: isolated processes that talk only by messages, ordered by a log.

First steps:
  hb demo                                   see the whole flow on this machine
  hb start                                  run a node on the embedded log
  hb start --bootstrap-server host:9092     or one of many on Kafka
  hb keys generate --out me.json            make a wallet
  hb new contract counter                   make a folder with a contract and its test
  hb spawn contract.ts --wallet me.json     make a process of a contract
  hb send <process> --action Ping --wallet me.json
  hb state <process>`

/**
 * Runs one command line (without program and script name); resolves with the exit code.
 * `openBrokers`: how --bootstrap-server is reached.
 */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  openBrokers: OpenBrokers = connect,
): Promise<number> {
  const context: CommandContext = { terminal, openBrokers, exitCode: EXIT.ok }
  const program = buildProgram(context)
  try {
    await program.parseAsync(idsLast(args), { from: 'user' })
    return context.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    printError(terminal, error, args.includes('--json'))
    return exitCodeOf(error)
  }
}

const connect: OpenBrokers = async (options) => {
  const { openKafkaLog } = await import('../log/kafka/index.ts')
  return openKafkaLog(options)
}

/** Options that take no value: what follows them stands for itself. */
const FLAG = new RegExp(
  '^--(json|raw|state|no-follow|keep-running|check|state-only|verify|from-manifest|signatures|' +
    'dry-run)$',
)

/** One id in 64 begins with a hyphen: it goes behind `--`, or it would be taken for an option. */
function idsLast(args: readonly string[]): string[] {
  const isOptionLike = (arg: string, index: number): boolean => {
    const before = args[index - 1] ?? ''
    const isValue = before.startsWith('--') && !before.includes('=') && !FLAG.test(before)
    return arg.startsWith('-') && isIdText(arg) && !isValue
  }
  const ids = args.filter(isOptionLike)
  if (ids.length === 0 || args.includes('--')) return [...args]
  return [...args.filter((arg, index) => !isOptionLike(arg, index)), '--', ...ids]
}

/** Every command with its options, as a line that runs or only looks them up. */
export function buildProgram(context: CommandContext): Command {
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
  addNew(program, context)
  addSpawn(program, context)
  addImport(program, context)
  addSend(program, context)
  addDryRun(program, context)
  addUpgrade(program, context)
  addResult(program, context)
  addState(program, context)
  addDiff(program, context)
  addLog(program, context)
  addStatus(program, context)
  addFeatures(program, context)
  addTopics(program, context)
  addDlq(program, context)
  addAcls(program, context)
  addReplay(program, context)
  addRebuild(program, context)
  addArchive(program, context)
  addRestore(program, context)
  addConnect(program, context)
  addSchemas(program, context)
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
