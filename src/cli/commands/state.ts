// hb state: a process's state, as it is served now, or as it was.

import { parseJson } from '../../std/json-text.ts'
import type { Command } from 'commander'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import { dataOption, type HistoryOptions } from '../history.ts'
import {
  jsonOption,
  openClient,
  processNamed,
  timeValue,
  urlOption,
  wholeValue,
} from '../options.ts'
import type { PointOptions } from '../states-then.ts'
import { jsonForTerminal, paint } from '../terminal.ts'

const HELP = `
A state of before is found by replay of the process's entries in the recorded log: in --data, or on
--bootstrap-server. It begins at the newest recorded states before that point.

Examples:
  hb state hyper-coin                            the state, laid out for reading
  hb state <process> --json | jq .state.balances
  hb state <process> --raw > state.json           the exact text of the state
  hb state <process> --at-slot 12 --data hb-data  as it was after that entry
  hb state <process> --at-time 2031-05-01T12:00:00Z --bootstrap-server host:9092`

type Options = HistoryOptions &
  PointOptions & { readonly json?: true; readonly raw?: true }

export function addState(program: Command, context: CommandContext): void {
  const command = program
    .command('state <process>')
    .description("show a process's state (by id, or by its name in genesis), now or then")
    .option('--raw', "the state's text as it is, byte for byte")
    .option('--at-slot <slot>', 'as it was after this slot of the process', wholeValue)
    .option('--at-height <height>', 'as it was after this height of its partition', wholeValue)
    .option('--at-time <time>', 'as it was then: an ISO time, or ms since 1970', timeValue)
  dataOption(urlOption(command)).addHelpText('after', HELP)
  jsonOption(command).action(async (name: string, options: Options) => {
    const then = await stateThen(context, name, options)
    const shown = then ?? (await stateNow(context, name, options))
    const { terminal } = context
    const { text, ...place } = shown
    if (options.raw === true) return terminal.out(text)
    if (options.json === true) {
      const head = JSON.stringify({ ok: true, ...place })
      // the text itself, so that no key changes its place
      return terminal.out(`${head.slice(0, -1)},"state":${text}}`)
    }
    const { slot, stateHash } = place
    const where = then === undefined ? '' : `, height ${then.height}${timeText(then.timestamp)}`
    terminal.err(paint(terminal.color).dim(`slot ${slot}${where}, state hash ${stateHash}`))
    terminal.out(jsonForTerminal(parseJson(text), 2))
  })
}

async function stateNow(context: CommandContext, name: string, options: Options) {
  if (options.data !== undefined) {
    throw new HbError('usage', '--data is for --at-slot, --at-height and --at-time')
  }
  const client = await openClient(context, options)
  return client.state(await processNamed(client, name))
}

async function stateThen(context: CommandContext, name: string, options: Options) {
  const { atSlot, atHeight, atTime } = options
  if (atSlot === undefined && atHeight === undefined && atTime === undefined) return undefined
  const { pointOf, showStatesThen } = await import('../states-then.ts')
  const [state] = await showStatesThen(context, name, options, [pointOf(options)])
  return state
}

function timeText(timestamp: number | undefined): string {
  return timestamp === undefined ? '' : `, ${new Date(timestamp).toISOString()}`
}
