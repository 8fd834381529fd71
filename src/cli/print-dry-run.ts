// What a dry run gave, for people and for programs, and the exit code that says the same.

import type { DryRunView } from '../client/index.ts'
import { parseJson } from '../std/json-text.ts'
import { EXIT } from './exit-codes.ts'
import { actionOf, statusCell } from './print-status.ts'
import { pairLines, shortId, tableLines, type Cell } from './table.ts'
import { jsonForTerminal, paint, printable, type Terminal } from './terminal.ts'

/** `--json`: {"ok": …, then the view}, changes and state as JSON values. */
export function printDryRun(terminal: Terminal, json: boolean, view: DryRunView): number {
  const ok = view.status === 'ok'
  const { changes, state, ...rest } = view
  if (json) {
    const head = JSON.stringify({ ok, ...rest })
    // the texts themselves, so that no key changes its place
    const after = state === undefined ? '' : `,"state":${state}`
    terminal.out(`${head.slice(0, -1)},"changes":${changes}${after}}`)
    return ok ? EXIT.ok : EXIT.failed
  }
  const colors = paint(terminal.color)
  for (const line of pairLines(pairsOf(view), colors)) terminal.out(line)
  if (view.messages.length > 0) {
    terminal.out('')
    for (const line of messageLines(view, terminal)) terminal.out(line)
  }
  if (state !== undefined) {
    terminal.out('')
    terminal.out(jsonForTerminal(parseJson(state), 2))
  }
  terminal.err(colors.dim('Nothing was sent, and nothing has changed.'))
  return ok ? EXIT.ok : EXIT.failed
}

function pairsOf(view: DryRunView): [string, Cell][] {
  const { process, slot, stateHash, gas, changes } = view
  return [
    ['process', process],
    ['tried on', `slot ${slot}, state hash ${stateHash}`],
    ['status', statusCell(view)],
    ['gas', gas],
    ['changes', jsonForTerminal(parseJson(changes))],
  ]
}

export function messageLines(
  { messages }: Pick<DryRunView, 'messages'>,
  terminal: Terminal,
): string[] {
  const rows = messages.map(({ kind, tags, target, data }): Cell[] => [
    kind,
    actionOf(tags),
    target === '' ? '–' : shortId(target),
    printable(data),
  ])
  const columns = [
    { title: 'would send' },
    { title: 'action', width: 24 },
    { title: 'to' },
    { title: 'data', width: 60 },
  ]
  return tableLines(columns, rows, paint(terminal.color))
}
