// A node from its first line to its last: it listens, joins, is ready, and ends when it is told to.
//
// Invariants: S1 the address is printed once the node is ready to serve (before, requests are
// answered 503). S2 told to end, it finishes what is under way, within a time; what has not ended
// by then is named, and the program ends with exit code 1.

import type { EarlyHttpServer, NodeApi, RunningNode } from '../node/index.ts'
import type { Network } from '../protocol/genesis.ts'
import { systemClock } from '../std/clock.ts'
import { isHbError } from '../std/errors.ts'
import type { Reporter } from '../std/reporter.ts'
import { EXIT } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export type NodeRun = {
  readonly terminal: Terminal
  readonly reporter: Reporter
  readonly network: Network
  readonly host: string
  readonly port: number
  /** The address that others are told; default: where it listens. */
  readonly address: (url: string) => string
  readonly open: (address: string) => Promise<RunningNode>
  /** The node is ready. */
  readonly started: (node: RunningNode, places: { url: string; address: string }) => void
  /** Told to end. */
  readonly stopping: () => void
  readonly shutdownTimeoutS: number
}

export async function runNode(run: NodeRun): Promise<void> {
  const { reporter } = run
  const under: { what: () => readonly string[] } = { what: () => ['starting'] }
  const done = new AbortController()
  const watching = endInTime(run, () => under.what(), done.signal)
  const { listenHttp } = await import('../node/index.ts')
  const { network, host, port } = run
  const onError = (error: unknown): void => {
    const code = isHbError(error) ? error.code : 'internal-error'
    reporter.error('http-failed', `http: ${String((error as Error).stack ?? error)}`, { code })
  }
  try {
    const http = await listenHttp({ network, host, port, onError })
    try {
      await onAddress(run, http, (what) => (under.what = what))
    } finally {
      under.what = () => ['http requests']
      await http.close()
    }
  } finally {
    done.abort()
    await watching
  }
}

async function onAddress(
  run: NodeRun,
  http: EarlyHttpServer,
  tell: (what: () => readonly string[]) => void,
): Promise<void> {
  const { signal } = run.terminal
  const address = run.address(http.url)
  const node = await run.open(address)
  try {
    http.serve(node.api)
    await ready(node.api, signal)
    if (!signal.aborted) run.started(node, { url: http.url, address })
    await aborted(signal)
    run.stopping()
    tell(() => ['http requests'])
    await http.close()
  } finally {
    tell(() => node.unfinished())
    await node.close()
  }
}

/** Until all is rebuilt and owned, or a partition has halted: then waiting would not help. */
async function ready(api: NodeApi, signal: AbortSignal): Promise<void> {
  for (;;) {
    const health = api.health()
    if (health.ready || signal.aborted || health.partitions.some((one) => one.halted !== undefined))
      return
    await systemClock.sleep(10, signal)
  }
}

/** Once told to end, what has not ended in time is named, and the program ends all the same. */
export async function endInTime(
  { terminal, reporter, shutdownTimeoutS }: Pick<
    NodeRun,
    'terminal' | 'reporter' | 'shutdownTimeoutS'
  >,
  unfinished: () => readonly string[],
  done: AbortSignal,
): Promise<void> {
  await Promise.race([aborted(terminal.signal), aborted(done)])
  if (done.aborted) return
  await systemClock.sleep(shutdownTimeoutS * 1_000, done)
  if (done.aborted) return
  const left = unfinished()
  const text = `Not finished within ${shutdownTimeoutS} s: ${left.join(', ')}`
  reporter.error('shutdown-timeout', text, { unfinished: left })
  terminal.exit(EXIT.failed)
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
