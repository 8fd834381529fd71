// What an import found and made, for people and for programs.

import type { WarpVerdict } from '../replay/index.ts'
import { pairLines, type Cell } from './table.ts'
import { paint, type Terminal } from './terminal.ts'

export type ImportView = {
  readonly ok: boolean
  readonly contract: string
  readonly owner: string
  /** The source that the process runs. */
  readonly source: string
  readonly interactions: number
  readonly counts: Readonly<Record<WarpVerdict, number>>
  /** Of the last interaction. */
  readonly sortKey?: string
  /** Digests. */
  readonly history: string
  readonly state: string
  /** What was found equal to what another evaluated. */
  readonly compared: readonly string[]
  /** Absent: nothing was spawned. */
  readonly process?: string
}

export function printImport(terminal: Terminal, json: boolean, view: ImportView): void {
  if (json) {
    terminal.out(JSON.stringify(view))
    return
  }
  const { ok, error, exception, skipped, refused } = view.counts
  const counts = `${ok} ok, ${error} errors, ${exception} exceptions, ${skipped} passed over`
  const agrees: Cell =
    view.compared.length === 0
      ? { text: 'with nothing: give --expect', style: 'yellow' }
      : { text: `${view.compared.join(' and ')} agree`, style: 'green' }
  const process: Cell =
    view.process === undefined
      ? 'none: --check'
      : { text: view.ok ? view.process : `${view.process}: not evaluated yet`, style: 'green' }
  const pairs: [string, Cell][] = [
    ['contract', view.contract],
    ['owner', view.owner],
    ['source', view.source],
    ['interactions', `${view.interactions}: ${counts}`],
    ['compared', agrees],
    ['history', view.history],
    ['state', view.state],
    ['process', process],
  ]
  if (refused > 0) pairs.push(['refused', { text: `${refused} passed a limit`, style: 'red' }])
  for (const line of pairLines(pairs, paint(terminal.color))) terminal.out(line)
}
