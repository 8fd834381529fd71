// Another module for a process: what its owner asks, and what came or would come of it.
//
// It takes two entries: the owner asks (`Upgrade`, as upgradable() of the HB lib takes it), and the
// process sends itself the upgrade. What counts is the result of the second.

import type {
  Client,
  MessageSpec,
  MessageStatus,
  OutgoingView,
  Wallet,
} from '../client/index.ts'
import { UPGRADE_TAG } from '../protocol/message.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import { EXIT } from './exit-codes.ts'
import { printDryRun } from './print-dry-run.ts'
import { printStatus } from './print-status.ts'
import type { Modules } from './print-upgrade.ts'
import { upgradeLines, upgradeView } from './print-upgrade.ts'
import type { Terminal } from './terminal.ts'

/** What the owner asks of a process, and with what. */
export type Asking = Modules & { readonly wallet: Wallet; readonly spec: MessageSpec }

/** Resolves with the exit code. */
export async function doUpgrade(
  terminal: Terminal,
  client: Client,
  { wallet, spec, from, to }: Asking,
  timeout: number,
  json: boolean,
): Promise<number> {
  const until = systemClock.now() + timeout * 1_000
  const waited = (id: string): Promise<MessageStatus> => {
    const timeoutMs = Math.max(0, until - systemClock.now())
    return client.wait(id, { timeoutMs, signal: terminal.signal })
  }
  const { id: asked } = await client.send(wallet, spec)
  const answer = await waited(asked)
  const isAccepted = answer.result?.status === 'ok'
  const status = isAccepted ? await waited(upgradeIn(answer.result.messages).id) : answer
  const shown = { process: spec.target, asked, from, to, ...status }
  const code = printStatus(terminal, json, shown, 'result')
  if (json || code === EXIT.pending) return code
  const now = `It runs ${to} now; before it was ${from}.`
  terminal.out(code === EXIT.ok ? now : `It goes on with ${from}, and with its state as it was.`)
  return code
}

/** The owner's message, then the upgrade that it makes the process send, on the state of now. */
export async function tryUpgrade(
  terminal: Terminal,
  client: Client,
  { wallet, spec, from, to }: Asking,
  json: boolean,
): Promise<number> {
  const { target, ...asked } = spec
  const { text: before, slot: atSlot } = await client.state(target)
  const answer = await client.dryRun(target, { ...asked, caller: wallet.address, atSlot })
  if (answer.status === 'error') return printDryRun(terminal, json, answer)
  const { tags, data, dataEncoding, hops, count, budget } = upgradeIn(answer.messages)
  const message = { caller: target, from: 'process', tags, data, dataEncoding } as const
  const left = { hops, count, budget, atSlot }
  const run = await client.dryRun(target, { ...message, ...left }, { state: true })
  const view = upgradeView(run, before, { from, to })
  const ok = view.status === 'ok'
  if (json) terminal.out(JSON.stringify({ ok, ...view }))
  else {
    for (const line of upgradeLines(terminal, view)) terminal.out(line)
    terminal.err('Nothing was sent, and nothing has changed.')
  }
  return ok ? EXIT.ok : EXIT.failed
}

function upgradeIn<M extends Pick<OutgoingView, 'tags'>>(messages: readonly M[]): M {
  const found = messages.find(({ tags }) => tags.some(({ name }) => name === UPGRADE_TAG))
  if (found === undefined) throw new HbError('upgrade-not-sent')
  return found
}
