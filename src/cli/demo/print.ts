// What the demo shows: a live table for people, or one JSON object on one line.

import type { Wallet } from '../../client/index.ts'
import type { Network } from '../../protocol/genesis.ts'
import type { DemoOptions, Final } from '../commands/demo.ts'
import type { Column } from '../table.ts'
import { liveTable, pairLines, shortId } from '../table.ts'
import { paint } from '../terminal.ts'
import type { Step } from './flow.ts'
import type { Replay } from './replay.ts'

const COLUMNS: readonly Column[] = [
  { title: '#', width: 2, align: 'right' },
  { title: 'step', width: 21 },
  { title: 'by', width: 4 },
  { title: 'message', width: 12 },
  { title: 'height', width: 6, align: 'right' },
  { title: 'slot', width: 4, align: 'right' },
  { title: 'ms', width: 5, align: 'right' },
  { title: 'caused', width: 60 },
]

/** What a run of the demo came to. */
export type Run = {
  readonly applicationId: string
  readonly steps: readonly Step[]
  readonly final: Final
  readonly replayed: Replay
}

export type DemoPrinter = {
  log(text: string): void
  parties(wallets: { readonly DMac: Wallet; readonly Sam: Wallet }, network: Network): void
  step(step: Step): void
  final(final: Final): void
  verdict(ok: boolean, run: Run): void
  running(url: string, directory: string): void
}

export function demoPrinter({ json, out, color, err }: DemoOptions): DemoPrinter {
  return json ? jsonPrinter(out, err) : peoplePrinter(out, color)
}

function jsonPrinter(out: (line: string) => void, err: (line: string) => void): DemoPrinter {
  const nothing = (): void => undefined
  return {
    log: nothing,
    parties: nothing,
    step: nothing,
    final: nothing,
    verdict(ok, { applicationId, steps, final, replayed }) {
      const { entries, superseded, processes, identical } = replayed
      const log = { entries, superseded }
      const replay = { entries, processes, identical }
      out(JSON.stringify({ ok, applicationId, steps, final, log, replay }))
    },
    running: (url, directory) => err(`running at ${url}, data in ${directory}`),
  }
}

function peoplePrinter(out: (line: string) => void, color: boolean): DemoPrinter {
  const style = paint(color)
  const pairs = (rows: readonly (readonly [string, string])[]): void => {
    for (const line of pairLines(rows, style)) out(line)
  }
  let table: ReturnType<typeof liveTable> | undefined
  return {
    log: (text) => out(style.bold(`Hollow BEAM demo on the ${text}`)),
    parties(wallets, network) {
      pairs([
        ['network', `${network.id}, ${network.genesis.partitions} partitions`],
        ['DMac', `${wallets.DMac.address} (RSA-PSS 4096)`],
        ['Sam', `${wallets.Sam.address} (Ed25519)`],
      ])
      out('')
      table = liveTable(COLUMNS, out, style)
    },
    step(step) {
      const { n, name, by, message, height, slot, ms, status, hops } = step
      const texts = hops.map(({ from, to, action }) => `${from} → ${to}: ${action}`)
      const verdict = status === 'ok' ? [] : [{ text: 'FAILED', style: 'red' as const }]
      const first = verdict[0] ?? texts.shift() ?? ''
      table?.row([n, name, by, shortId(message), height, slot, ms, first])
      for (const text of texts) table?.row(['', '', '', '', '', '', '', text])
    },
    final(final) {
      out('')
      const row = (amounts: Record<string, string>): string =>
        Object.entries(amounts)
          .map(([name, amount]) => `${name} ${amount}`)
          .join(' · ')
      pairs([
        ['HyperCoin', row(final.hyperCoin)],
        ['ASSET', row(final.asset)],
        ['U', row(final.u)],
        ['staked', row(final.stakes)],
      ])
    },
    verdict(ok, { replayed }) {
      const { entries, superseded, processes, identical, different } = replayed
      out('')
      out(
        `All state thrown away and rebuilt from the log: ${entries} entries ` +
          `(${superseded} superseded), ${processes} processes, ` +
          `state hashes ${identical ? 'identical' : 'DIFFERENT'}`,
      )
      for (const process of different) out(style.red(`different: ${process}`))
      out(ok ? style.green('OK') : style.red('FAILED'))
    },
    running(url, directory) {
      out(`\nThe node is up at ${url} (data and keys in ${directory}); Ctrl-C stops it.`)
    },
  }
}
