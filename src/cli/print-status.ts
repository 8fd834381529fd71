// Where a message is, for people and for programs, and the exit code that says the same.

import type { MessageStatus, OutgoingView, ResultView } from '../client/index.ts'
import { EXIT } from './exit-codes.ts'
import { pairLines, shortId, tableLines, type Cell } from './table.ts'
import { paint, printable, type Terminal } from './terminal.ts'

export function exitCodeOfStatus(
  status: MessageStatus,
  wait: 'none' | 'sequenced' | 'result',
): number {
  if (status.stage === 'refused') return EXIT.failed
  if (status.result !== undefined) return status.result.status === 'ok' ? EXIT.ok : EXIT.failed
  if (wait === 'none' || (wait === 'sequenced' && status.stage === 'sequenced')) return EXIT.ok
  return EXIT.pending
}

/** `--json`: {"ok": …, then the status}; for people: a list and the messages that it caused. */
export function printStatus(
  terminal: Terminal,
  json: boolean,
  status: MessageStatus,
  wait: 'none' | 'sequenced' | 'result',
): number {
  const code = exitCodeOfStatus(status, wait)
  if (json) {
    terminal.out(JSON.stringify({ ok: code === EXIT.ok, ...status }))
    return code
  }
  const colors = paint(terminal.color)
  for (const line of pairLines(statusPairs(status), colors)) terminal.out(line)
  const messages = status.result?.messages ?? []
  if (messages.length > 0) {
    terminal.out('')
    for (const line of outgoingLines(messages, terminal)) terminal.out(line)
  }
  if (code === EXIT.pending) terminal.err(`Not finished yet. Ask again: hb result ${status.id}`)
  return code
}

function statusPairs({ id, stage, receipt, result, refusal }: MessageStatus): [string, Cell][] {
  const pairs: [string, Cell][] = [
    ['message', id],
    ['stage', stage],
  ]
  if (receipt !== undefined)
    pairs.push(['place', `partition ${receipt.partition}, height ${receipt.height}`])
  if (refusal !== undefined)
    pairs.push(['refused', { text: `${refusal.code}: ${refusal.text}`, style: 'red' }])
  if (result === undefined) return pairs
  const { process, slot, gas, stateHash } = result
  pairs.push(['process', process], ['slot', slot], ['status', statusCell(result)])
  pairs.push(['gas', gas], ['state hash', stateHash])
  return pairs
}

export function statusCell({
  status,
  code,
  text,
}: Pick<ResultView, 'status' | 'code' | 'text'>): Cell {
  if (status === 'ok') return { text: 'ok', style: 'green' }
  return { text: `${code}: ${text}`, style: 'red' }
}

function outgoingLines(messages: readonly OutgoingView[], terminal: Terminal): string[] {
  const rows = messages.map(({ kind, tags, target, id, data }): Cell[] => [
    kind,
    actionOf(tags),
    target === '' ? '–' : shortId(target),
    shortId(id),
    printable(data),
  ])
  const columns = [
    { title: 'sent' },
    { title: 'action', width: 24 },
    { title: 'to' },
    { title: 'id' },
    { title: 'data', width: 48 },
  ]
  return tableLines(columns, rows, paint(terminal.color))
}

/** The tag Action, or a dash. */
export function actionOf(
  tags: readonly { readonly name: string; readonly value: string }[],
): string {
  return tags.find((tag) => tag.name === 'Action')?.value ?? '–'
}
