// hb diff: what changed in a process's state between two of its slots.

import type { Command } from 'commander'
import type { Json } from '../../protocol/changes.ts'
import type { PatchStep } from '../../replay/index.ts'
import { HbError } from '../../std/errors.ts'
import { parseJson } from '../../std/json-text.ts'
import type { CommandContext } from '../context.ts'
import { dataOption, type HistoryOptions } from '../history.ts'
import { jsonOption, urlOption, wholeValue } from '../options.ts'
import { jsonForTerminal, paint, printable, type Terminal } from '../terminal.ts'

const HELP = `
Both states are found by replay of the recorded log: in --data, or on --bootstrap-server.
--json prints a JSON Patch (add, remove, replace), each step with what stood there before.

Examples:
  hb diff hyper-coin --from-slot 3 --to-slot 9
  hb diff <process> --from-slot 0 --to-slot 1 --data hb-data --json | jq .patch`

type Options = HistoryOptions & {
  readonly fromSlot: number
  readonly toSlot: number
  readonly json?: true
}

export function addDiff(program: Command, context: CommandContext): void {
  const command = program
    .command('diff <process>')
    .description("show what changed in a process's state between two slots")
    .requiredOption('--from-slot <slot>', 'the state after this slot', wholeValue)
    .requiredOption('--to-slot <slot>', 'and after this one', wholeValue)
  dataOption(urlOption(command)).addHelpText('after', HELP)
  jsonOption(command).action((name: string, options: Options) => diff(context, name, options))
}

async function diff(context: CommandContext, name: string, options: Options): Promise<void> {
  const { fromSlot, toSlot } = options
  if (fromSlot > toSlot) {
    throw new HbError('usage', `--from-slot ${fromSlot} lies behind --to-slot ${toSlot}`)
  }
  const { showStatesThen } = await import('../states-then.ts')
  const { jsonDiff } = await import('../../replay/index.ts')
  const points = [{ slot: fromSlot }, { slot: toSlot }]
  const [from, to] = await showStatesThen(context, name, options, points)
  if (from === undefined || to === undefined) throw new HbError('state-unknown', name)
  const patch = jsonDiff(parseJson(from.text) as Json, parseJson(to.text) as Json)
  const { terminal } = context
  if (options.json === true) {
    const { text: _before, process, ...before } = from
    const { text: _after, process: _process, ...after } = to
    terminal.out(JSON.stringify({ ok: true, process, from: before, to: after, patch }))
    return
  }
  const dim = paint(terminal.color).dim
  terminal.err(dim(`slot ${from.slot} (height ${from.height}) → ${to.slot} (${to.height})`))
  if (patch.length === 0) terminal.err('Nothing changed.')
  for (const step of patch) printStep(terminal, step)
}

function printStep(terminal: Terminal, step: PatchStep): void {
  const colors = paint(terminal.color)
  const path = step.path === '' ? '(the state)' : printable(step.path)
  if (step.op === 'add') terminal.out(colors.green(`+ ${path}: ${value(step.value)}`))
  else if (step.op === 'remove') terminal.out(colors.red(`- ${path}: ${value(step.was)}`))
  else terminal.out(`${colors.yellow(`~ ${path}:`)} ${value(step.was)} → ${value(step.value)}`)
}

function value(json: Json): string {
  return jsonForTerminal(json)
}
