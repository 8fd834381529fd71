// The demo: real wallets, signatures, sandboxes and log; then everything thrown away but the log,
// and rebuilt from it.
//
// Invariant: nothing here knows a result beforehand; the verdict compares what was read from states
// with the plan's sums.

import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createClient, generateWallet, saveWallet } from '../../client/index.ts'
import type { Client, Wallet } from '../../client/index.ts'
import { agreeOnNetwork, listenHttp, startNodeOn } from '../../node/index.ts'
import { openEmbeddedLog } from '../../log/embedded/index.ts'
import type { Log } from '../../log/port.ts'
import type { Network } from '../../protocol/genesis.ts'
import { openNetwork } from '../../protocol/genesis.ts'
import { toBase64Url } from '../../std/bytes.ts'
import { systemClock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { DEFAULT_APPLICATION_ID, type OpenAs } from '../broker.ts'
import { GENESIS_FILE } from '../dev-genesis.ts'
import type { Step } from '../demo/flow.ts'
import { runFlow } from '../demo/flow.ts'
import { marketGenesis } from '../demo/market-genesis.ts'
import { demoPrinter } from '../demo/print.ts'
import type { LiveProcess, Replay } from '../demo/replay.ts'
import { replay } from '../demo/replay.ts'

export type DemoOptions = {
  readonly json: boolean
  readonly data?: string
  readonly keepRunning: boolean
  readonly color: boolean
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** Ends a node that was kept running. */
  readonly signal?: AbortSignal
  /** Default: on the embedded log `hb`, on brokers a new one. */
  readonly applicationId?: string
  /** On brokers rather than the embedded log; what it gives opens the log anew at each call. */
  readonly openBrokers?: (applicationId: string) => Promise<OpenAs>
}

/** Where the demo runs: the log can be opened again and again, on brokers as each part. */
type Place = {
  readonly directory: string
  readonly applicationId: string
  readonly openLog: OpenAs
  readonly openRoleLog?: OpenAs
}

export type Final = {
  readonly hyperCoin: Record<string, string>
  readonly asset: Record<string, string>
  readonly u: Record<string, string>
  readonly stakes: Record<string, string>
}

const PARTITIONS = 4
const UNBONDING_MS = 1_000

/** What the example flow must end in. */
const PLAN: Final = {
  hyperCoin: { DMac: '900', Sam: '1000', HB: '100' },
  asset: { DMac: '90', Sam: '10' },
  u: { DMac: '30', Sam: '470' },
  stakes: { DMac: '100', Sam: '0' },
}

/** Exit code 0 if the balances are the plan's and the rebuild is identical, else 1. */
export async function runDemo(options: DemoOptions): Promise<{ exitCode: number }> {
  const kept = options.data !== undefined
  const directory = kept
    ? await emptyDirectory(options.data)
    : await mkdtemp(join(tmpdir(), 'hb-demo-'))
  try {
    return await demo(options, directory)
  } finally {
    if (!kept) await rm(directory, { recursive: true, force: true })
  }
}

async function emptyDirectory(path: string): Promise<string> {
  const directory = resolve(path)
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0) throw new HbError('directory-not-empty', directory)
  return directory
}

async function demo(options: DemoOptions, directory: string): Promise<{ exitCode: number }> {
  const print = demoPrinter(options)
  const place = await placeOf(options, directory)
  const { applicationId } = place
  const wallets = { DMac: await generateWallet('rsa'), Sam: await generateWallet('ed25519') }
  const network = await makeNetwork(directory, wallets)
  const ids = processIds(network)
  const live = await runLive(place, network, async (client, log) => {
    print.log(options.openBrokers === undefined ? log : `${log}, topics ${applicationId}.*`)
    print.parties(wallets, network)
    const steps = await runFlow({
      client,
      clock: systemClock,
      wallets,
      ids,
      unbondingMs: UNBONDING_MS,
      onStep: (step) => print.step(step),
    })
    const final = await readFinal(client, wallets, ids)
    return { steps, final, processes: await allProcesses(client) }
  })
  print.final(live.final)

  const replayed = await rebuildFromLog(place, network, live.processes)
  const { steps, final } = live
  const ok = verdict(steps, final, replayed)
  print.verdict(ok, { applicationId, steps, final, replayed })
  if (options.keepRunning) await keepRunning(options, place, network, print)
  return { exitCode: ok ? 0 : 1 }
}

async function placeOf(
  { openBrokers, applicationId }: DemoOptions,
  directory: string,
): Promise<Place> {
  if (openBrokers === undefined) {
    const openLog = () => openEmbeddedLog({ dir: join(directory, 'log') })
    return { directory, applicationId: applicationId ?? DEFAULT_APPLICATION_ID, openLog }
  }
  const id = applicationId ?? `hb-demo-${randomBytes(6).toString('hex')}`
  const openAs = await openBrokers(id)
  return { directory, applicationId: id, openLog: openAs, openRoleLog: openAs }
}

async function makeNetwork(
  directory: string,
  wallets: { readonly DMac: Wallet; readonly Sam: Wallet },
): Promise<Network> {
  const genesis = await marketGenesis({
    salt: toBase64Url(randomBytes(16)),
    dmac: wallets.DMac.address,
    sam: wallets.Sam.address,
    partitions: PARTITIONS,
    unbondingMs: UNBONDING_MS,
  })
  await writeFile(join(directory, GENESIS_FILE), `${JSON.stringify(genesis)}\n`)
  await mkdir(join(directory, 'keys'))
  await saveWallet(wallets.DMac, join(directory, 'keys', 'dmac.json'))
  await saveWallet(wallets.Sam, join(directory, 'keys', 'sam.json'))
  return openNetwork(genesis)
}

function processIds(network: Network): Record<'hyperCoin' | 'hb' | 'u' | 'asset' | 'ucm', string> {
  const id = (name: string): string => network.processIds.get(name) as string
  return {
    hyperCoin: id('hyper-coin'),
    hb: id('hb-contract'),
    u: id('u'),
    asset: id('asset'),
    ucm: id('ucm'),
  }
}

type Up = { readonly url: string; readonly log: Log; close(): Promise<void> }

/** A node with all roles, of which others on the same brokers learn where it is. */
async function start(place: Place, network: Network): Promise<Up> {
  const { directory, applicationId, openRoleLog } = place
  const http = await listenHttp({ network, port: 0 })
  try {
    const log = await place.openLog('door')
    const agreed = { log, applicationId, clock: systemClock, own: network, make: never }
    await agreeOnNetwork(agreed).catch(async (error: unknown) => {
      await log.close()
      throw error
    })
    const address = http.url
    const own = { directory, applicationId, address, ...(openRoleLog && { openRoleLog }) }
    const node = await startNodeOn(log, { network, ...own })
    http.serve(node.api)
    const close = async (): Promise<void> => {
      await http.close()
      await node.close()
    }
    return { url: http.url, log, close }
  } catch (error) {
    await http.close()
    throw error
  }
}

function never(): Promise<Network> {
  return Promise.reject(new HbError('internal-error', 'a demo has its own genesis'))
}

async function runLive<T>(
  place: Place,
  network: Network,
  use: (client: Client, log: string) => Promise<T>,
): Promise<T> {
  const up = await start(place, network)
  try {
    return await use(createClient({ url: up.url, network: network.id }), up.log.describe())
  } finally {
    await up.close()
  }
}

async function allProcesses(client: Client): Promise<LiveProcess[]> {
  const rows: LiveProcess[] = []
  for (let after: string | undefined; ;) {
    const page = await client.processes({ limit: 100, ...(after !== undefined && { after }) })
    rows.push(...page.processes)
    if (page.next === undefined) return rows
    after = page.next
  }
}

type TokenState = { readonly balances: Record<string, string> }

async function readFinal(
  client: Client,
  wallets: { readonly DMac: Wallet; readonly Sam: Wallet },
  ids: ReturnType<typeof processIds>,
): Promise<Final> {
  const read = async <T>(id: string): Promise<T> => JSON.parse((await client.state(id)).text) as T
  const holders: [string, string][] = [
    ['DMac', wallets.DMac.address],
    ['Sam', wallets.Sam.address],
  ]
  const amounts = (from: Record<string, string>, of: [string, string][]): Record<string, string> =>
    Object.fromEntries(of.map(([name, address]) => [name, from[address] ?? '0']))
  const balances = async (id: string, of = holders): Promise<Record<string, string>> =>
    amounts((await read<TokenState>(id)).balances, of)
  const { stakes } = await read<{ stakes: { user: Record<string, string> } }>(ids.hb)
  return {
    hyperCoin: await balances(ids.hyperCoin, [...holders, ['HB', ids.hb]]),
    asset: await balances(ids.asset),
    u: await balances(ids.u),
    stakes: amounts(stakes.user, holders),
  }
}

/**
 * Deletes what the node knew besides the log, then evaluates the log with an evaluator that has
 * seen nothing.
 */
async function rebuildFromLog(
  place: Place,
  network: Network,
  live: readonly LiveProcess[],
): Promise<Replay> {
  for (const cache of ['states', 'index']) {
    await rm(join(place.directory, cache), { recursive: true, force: true })
  }
  const log = await place.openLog('reader')
  try {
    return await replay(network, log, live, place.applicationId)
  } finally {
    await log.close()
  }
}

function verdict(steps: readonly Step[], final: Final, { identical }: Replay): boolean {
  const planned = JSON.stringify(final) === JSON.stringify(PLAN)
  return planned && identical && steps.every(({ status }) => status === 'ok')
}

async function keepRunning(
  options: DemoOptions,
  place: Place,
  network: Network,
  print: ReturnType<typeof demoPrinter>,
): Promise<void> {
  const up = await start(place, network)
  print.running(up.url, place.directory)
  await new Promise<void>((done) => {
    if (options.signal?.aborted === true) done()
    else options.signal?.addEventListener('abort', () => done(), { once: true })
  })
  await up.close()
}
