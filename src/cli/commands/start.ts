// hb start: a node on the embedded log, until it is told to stop.
//
// Invariants: S1 a data directory keeps the genesis that it was started with, and is never run with
// another. S2 the address is printed once the node is ready to serve (before, GET /readyz answers
// 503).

import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { NodeApi } from '../../node/index.ts'
import type { Network } from '../../protocol/genesis.ts'
import { isIdText } from '../../std/bytes.ts'
import { systemClock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import { DEFAULT_PORT, jsonOption, portValue, readable, readText, wholeValue } from '../options.ts'
import { pairLines } from '../table.ts'
import { paint, type Terminal } from '../terminal.ts'

const HELP = `
Without --genesis it runs a network for development: HyperCoin and the HB contract,
with what --mint gives to whom.
The genesis is kept in the data directory; starting again on it continues the same network.

Examples:
  hb start
  hb start --data ./net --mint <address>=1000
  hb start --genesis genesis.json --port 9000 --json`

type Options = {
  readonly data: string
  readonly genesis?: string
  readonly host: string
  readonly port: number
  readonly applicationId: string
  readonly partitions?: number
  readonly mint?: Readonly<Record<string, string>>
  readonly json?: true
}

const PARTITIONS = 4

export function addStart(program: Command, context: CommandContext): void {
  const command = program
    .command('start')
    .description('run a node on the embedded log until interrupted')
    .option('--data <dir>', 'where the log is kept', 'hb-data')
    .option('--genesis <file>', 'the network to run (a genesis document)')
    .option(
      '--partitions <count>',
      `of a new development network (default ${PARTITIONS})`,
      wholeValue,
    )
    .option(
      '--mint <address=amount>',
      'HyperCoin in a new development network; may be repeated',
      mintValue,
    )
    .option(
      '--host <address>',
      'HTTP address; anything but 127.0.0.1 is open to others',
      '127.0.0.1',
    )
    .option('--port <number>', 'HTTP port; 0: any', portValue, DEFAULT_PORT)
    .option('--application-id <name>', 'prefix of all topics', 'hb')
    .addHelpText('after', HELP)
  jsonOption(command).action((options: Options) => start(context.terminal, options))
}

async function start(terminal: Terminal, options: Options): Promise<void> {
  const directory = resolve(options.data)
  const network = await networkFor(directory, options)
  const { startHttp, startNode } = await import('../../node/index.ts')
  const { applicationId, host, port } = options
  const onHalted = (role: string, partition: number, error: unknown): void =>
    terminal.err(`halted: ${role}, partition ${partition}: ${String(error)}`)
  const node = await startNode({ network, directory, applicationId, onHalted })
  try {
    const onError = (error: unknown): void =>
      terminal.err(`http: ${String((error as Error).stack ?? error)}`)
    const http = await startHttp({ api: node.api, host, port, onError })
    try {
      await ready(node.api, terminal.signal)
      printStarted(terminal, options, network, http.url)
      await aborted(terminal.signal)
      if (options.json !== true)
        terminal.err('Stopping: what is under way is finished first (again: at once).')
    } finally {
      await http.close()
    }
  } finally {
    await node.close()
  }
}

/**
 * The network to run: from --genesis, else what the directory has, else a new one for development.
 */
async function networkFor(directory: string, options: Options): Promise<Network> {
  const { devGenesis, GENESIS_FILE, genesisIn, parseGenesis } = await import('../dev-genesis.ts')
  const { openNetwork } = await import('../../protocol/genesis.ts')
  const { genesis, partitions, mint } = options
  const fresh = partitions !== undefined || mint !== undefined
  if (genesis !== undefined && fresh) {
    throw new HbError(
      'usage',
      '--partitions and --mint are for a development network, not for --genesis',
    )
  }
  const kept = await genesisIn(directory)
  if (kept !== undefined && genesis === undefined && !fresh) return kept
  const network =
    genesis === undefined
      ? openNetwork(await devGenesis({ partitions: partitions ?? PARTITIONS, mint: mint ?? {} }))
      : parseGenesis(await readText(genesis), genesis)
  if (kept !== undefined && kept.id !== network.id) {
    throw new HbError('genesis-mismatch', `${directory} is of ${kept.id}, not of ${network.id}`)
  }
  const path = join(directory, GENESIS_FILE)
  await readable(path, async () => {
    await mkdir(directory, { recursive: true })
    if (kept !== undefined) return
    // whole or not at all: half a genesis would make the directory unusable
    await writeFile(`${path}.new`, `${JSON.stringify(network.genesis)}\n`, { flush: true })
    await rename(`${path}.new`, path)
  })
  return network
}

function printStarted(terminal: Terminal, options: Options, network: Network, url: string): void {
  if (options.json === true) {
    terminal.out(
      JSON.stringify({ ok: true, url, network: network.id, data: resolve(options.data) }),
    )
    return
  }
  const { genesis, processIds } = network
  const pairs: [string, string][] = [
    ['node', url],
    ['network', `${network.id} (${genesis.name}, partitions: ${genesis.partitions})`],
    ['log', `embedded, in ${resolve(options.data)}`],
    ...[...processIds].map(([name, id]): [string, string] => [name, id]),
  ]
  for (const line of pairLines(pairs, paint(terminal.color))) terminal.out(line)
  terminal.err('Running; Ctrl-C stops it.')
}

function mintValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [address = '', amount = '', ...rest] = text.split('=')
  if (!isIdText(address) || !/^[1-9][0-9]{0,76}$/.test(amount) || rest.length > 0) {
    throw new HbError('usage', `--mint ${text}: write it as <address>=<amount>`)
  }
  return { ...before, [address]: amount }
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}
