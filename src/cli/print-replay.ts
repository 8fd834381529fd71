// What a replay gave, for people and for programs.

import type { Network } from '../protocol/genesis.ts'
import type { Difference, OutboxCompared, Replayed, ServedCompared } from '../replay/index.ts'
import type { Cell } from './table.ts'
import { pairLines, tableLines } from './table.ts'
import { paint, printable, type Terminal } from './terminal.ts'

/** Nothing that was compared differs. */
export function isSame({ outbox, served }: Replayed): boolean {
  return (outbox?.different ?? 0) === 0 && (served?.different ?? 0) === 0
}

/** `--json`: one object. */
export function replayView(ok: boolean, replays: readonly Replayed[], node?: string): object {
  return { ok, ...(node !== undefined && { node }), partitions: replays }
}

export function printReplays(
  terminal: Terminal,
  network: Network,
  replays: readonly Replayed[],
  verified: boolean,
  node: string | undefined,
): void {
  const colors = paint(terminal.color)
  const names = new Map([...network.processIds].map(([name, id]) => [id, name]))
  const rows = replays.flatMap(({ partition, processes }) =>
    processes.map(({ process, slot, stateHash, failed }): Cell[] => [
      partition,
      process,
      names.get(process) ?? '',
      failed ? { text: 'failed', style: 'red' } : slot,
      stateHash,
    ]),
  )
  const columns = [
    { title: 'partition', align: 'right' },
    { title: 'process' },
    { title: 'name' },
    { title: 'slot', align: 'right' },
    { title: 'state hash' },
  ] as const
  for (const line of tableLines(columns, rows, colors)) terminal.out(line)
  for (const each of replays) {
    terminal.out('')
    for (const line of pairLines(pairsOf(each), colors)) terminal.out(line)
  }
  if (!verified) return
  if (node === undefined) {
    terminal.err('No node was named or found: what is served was not compared.')
  }
  const verdict = replays.every(isSame)
    ? colors.green('Nothing differs.')
    : colors.red('The log says otherwise than what was published or is served.')
  terminal.out('')
  terminal.out(verdict)
}

function pairsOf(replayed: Replayed): [string, Cell][] {
  const { partition, began, height, entries, superseded, outbox, served } = replayed
  const from = began.at === 'genesis' ? 'genesis' : `the manifest of height ${began.height}`
  return [
    ['partition', partition],
    ['began at', from],
    ['to height', height],
    ['entries', `${entries} (${superseded} superseded)`],
    ...(outbox === undefined ? [] : outboxPairs(outbox)),
    ...(served === undefined ? [] : servedPairs(served)),
  ]
}

function outboxPairs(compared: OutboxCompared): [string, Cell][] {
  const { trimmed, unpublished, first } = compared
  const beside = [
    ...(trimmed > 0 ? [`${trimmed} older than it retains`] : []),
    ...(unpublished > 0 ? [`${unpublished} not published yet`] : []),
  ]
  const text = `${compared.compared} results compared, ${compared.different} differ`
  const shown = [text, ...beside].join(', ')
  const pairs: [string, Cell][] = [['outbox', shown]]
  if (first !== undefined) pairs.push(...differencePairs(first, 'published'))
  return pairs
}

function servedPairs({ compared, different, unserved, first }: ServedCompared): [string, Cell][] {
  const beside = unserved > 0 ? `, ${unserved} that the node has nothing of` : ''
  const pairs: [string, Cell][] = [
    ['served', `${compared} states compared, ${different} differ${beside}`],
  ]
  if (first === undefined) return pairs
  const { process, slot, height, replayed, served, text } = first
  const what = text === true ? 'state text' : 'state hash'
  const place = `height ${height}, slot ${slot} of ${process}: ${what}`
  pairs.push(['first', { text: place, style: 'red' }])
  pairs.push(['  replayed', printable(replayed)], ['  served', printable(served)])
  return pairs
}

function differencePairs(first: Difference, other: string): [string, Cell][] {
  const { height, slot, process, fields } = first
  const place = `height ${height}, slot ${slot} of ${process}: ${fields.join(', ')}`
  return [
    ['first', { text: place, style: 'red' }],
    ['  replayed', sideText(first.replayed)],
    [`  ${other}`, sideText(first.other)],
  ]
}

function sideText({ status, code, text, stateHash, messages }: Difference['replayed']): string {
  const outcome = status === 'ok' ? 'ok' : `${code}: ${text}`
  return `${printable(outcome)}, state hash ${stateHash}, messages ${messages}`
}
