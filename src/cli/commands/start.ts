// hb start: a node on the embedded log or on Kafka, until it is told to stop.

import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Throttled } from '../../log/kafka/index.ts'
import type { Log } from '../../log/port.ts'
import type { LocalNode, Role, RunningNode } from '../../node/index.ts'
import type { Network } from '../../protocol/genesis.ts'
import type { WriterSchemas } from '../../schemas/index.ts'
import { systemClock } from '../../std/clock.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { Reporter } from '../../std/reporter.ts'
import {
  brokerOptions,
  brokersAs,
  DEFAULT_APPLICATION_ID,
  namesBrokers,
  type BrokerOptions,
} from '../broker.ts'
import { connectorsBeside, connectorValue, restOptions, SINK_ROLE } from '../connectors.ts'
import type { RestOptions } from '../connectors.ts'
import type { CommandContext } from '../context.ts'
import { DEFAULT_PORT, jsonOption, mintOption, operatorOption, portValue } from '../options.ts'
import { secondsValue, wholeValue } from '../options.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { logOptions, reportTo, type LogOptions, type NodeReporting } from '../report-lines.ts'
import { ROLES } from '../roles.ts'
import { runNode } from '../run-node.ts'
import { registryOption, registryPlace, type RegistryOptions } from '../schema-registry.ts'
import { networkIn, networkOn, PARTITIONS, type NetworkOptions } from '../start-network.ts'
import { pairLines } from '../table.ts'
import { paint } from '../terminal.ts'

const HELP = `
Without --genesis it runs the network of the data directory or of the topics; where there is none,
one for development: HyperCoin, the HB contract and the clock, with what --mint gives to whom.

On Kafka many nodes share the partitions: each has its own --data (caches, which may be deleted) and
an address that the others reach. Told to stop, a node finishes what is under way and hands over.

Examples:
  hb start
  hb start --data ./net --mint <address>=1000
  hb start --genesis genesis.json --port 9000 --json
  hb start --bootstrap-server kafka:9092 --data ./one --host 0.0.0.0 \\
    --advertised-url http://one.example:8734
  hb start --bootstrap-server kafka:9092 --command-config client.properties --data ./two \\
    --roles dre --standby 1
  hb start --connector connector.json       and archive what it orders
  hb start --bootstrap-server kafka:9092 --schema-registry-url http://registry:8081`

/** What --roles names: those of the node, and the one that runs connectors. */
type PlayedRole = Role | typeof SINK_ROLE

type Options = BrokerOptions &
  RegistryOptions &
  RestOptions &
  LogOptions &
  NetworkOptions & {
    readonly data: string
    readonly host: string
    readonly port: number
    readonly advertisedUrl?: string
    readonly roles?: readonly PlayedRole[]
    readonly connector?: readonly string[]
    readonly standby?: number
    readonly ticker: boolean
    readonly shutdownTimeout: number
    readonly json?: true
  }

/** Of a URL, or of the first of a list of brokers. */
const THIS_MACHINE = /^([A-Za-z_]+:\/\/)?(127\.[0-9.]+|localhost|\[::1\])(:|\/|,|$)/

export function addStart(program: Command, context: CommandContext): void {
  const command = program
    .command('start')
    .description('run a node, on the embedded log or on Kafka, until interrupted')
    .option('--data <dir>', 'where the log, or on Kafka what is cached of it, is kept', 'hb-data')
    .option('--genesis <file>', 'the network to run (a genesis document)')
    .option(
      '--partitions <count>',
      `of a new development network (default ${PARTITIONS})`,
      wholeValue,
    )
    .option(
      '--host <address>',
      'HTTP address; anything but 127.0.0.1 is open to others',
      '127.0.0.1',
    )
    .option('--port <number>', 'HTTP port; 0: any', portValue, DEFAULT_PORT)
    .option(
      '--advertised-url <url>',
      'where other nodes reach this one (default: --host and --port)',
      urlValue,
    )
    .option(
      '--roles <list>',
      `of ${ROLES.join(',')} (default: all), and ${SINK_ROLE} with --connector`,
      rolesValue,
    )
    .option('--standby <count>', 'warm copies of each partition on other nodes', wholeValue)
    .option('--no-ticker', "never poke the network's clock when an alarm is due")
    .option('--shutdown-timeout <seconds>', 'for what is under way at the end', secondsValue, 30)
    .option('--connector <file>', 'run this connector beside it; may be repeated', connectorValue)
  restOptions(logOptions(command))
  registryOption(brokerOptions(operatorOption(mintOption(command)))).addHelpText('after', HELP)
  jsonOption(command).action((options: Options) => start(context, options))
}

async function start(context: CommandContext, options: Options): Promise<void> {
  const reporting = reportTo(context.terminal, options)
  try {
    await startReporting(context, options, reporting)
  } catch (error) {
    // with --json the error is on stdout, where it was asked for
    if (reporting.format !== 'json' || options.json === true) throw error
    const { code, advice, message } = isHbError(error)
      ? error
      : new HbError('internal-error', String(error), { cause: error })
    reporting.reporter.error('node-failed', message, { code, advice })
    context.exitCode = exitCodeOf(error)
  } finally {
    reporting.close()
  }
}

async function startReporting(
  context: CommandContext,
  options: Options,
  { reporter, format }: NodeReporting,
): Promise<void> {
  const { terminal } = context
  const { network, open, told, abandon } = await place(context, options, reporter)
  const toPeople = format === 'human' && options.json !== true
  try {
    await runNode({
      terminal,
      reporter,
      network,
      host: options.host,
      port: options.port,
      shutdownTimeoutS: options.shutdownTimeout,
      address: (url) => addressOf(reporter, options, url),
      open,
      started: (node, places) => {
        printStarted(context, options, network, node, { ...places, ...told })
        const where = { ...places, ...told, network: network.id }
        reporter.info('node-ready', `ready: ${places.address}`, where)
        if (toPeople) terminal.err('Running; Ctrl-C stops it.')
      },
      stopping: () => {
        reporter.info('node-stopping', 'stopping: what is under way is finished first')
        if (toPeople) {
          terminal.err('Stopping: what is under way is finished first (again: at once).')
        }
      },
    })
    reporter.info('node-stopped', 'stopped')
  } finally {
    await abandon()
  }
}

/**
 * `abandon`: closes what was opened for a node that did not come to be. `told.rest`: where
 * connectors are reached, once it is open.
 */
type Place = {
  readonly told: { readonly rest?: string }
  readonly network: Network
  readonly open: (address: string) => Promise<RunningNode>
  readonly abandon: () => Promise<void>
}

async function place(
  context: CommandContext,
  options: Options,
  reporter: Reporter,
): Promise<Place> {
  const directory = resolve(options.data)
  const { applicationId = DEFAULT_APPLICATION_ID, standby, ticker } = options
  const roles = nodeRoles(options)
  const { startNode, startNodeOn, Throttling } = await import('../../node/index.ts')
  const schemas = await writerSchemas(options)
  const given = {
    directory,
    applicationId,
    ...(roles !== undefined && { roles }),
    ...(standby !== undefined && { standbys: standby }),
    ticker,
    reporter,
    ...(schemas !== undefined && { schemas }),
  }
  const told: { rest?: string } = {}
  const beside = async (node: LocalNode, openLog?: () => Promise<Log>): Promise<RunningNode> => {
    const { connector: files, restHost, restPort } = options
    if (files === undefined) return node
    const run = { files, reporter, applicationId, restHost, restPort, dataDir: directory }
    const both = await connectorsBeside(node, run, openLog)
    told.rest = both.rest
    return both
  }
  if (!namesBrokers(options)) {
    const network = await networkIn(directory, options)
    const open = async (address: string): Promise<RunningNode> => {
      return beside(await startNode({ ...given, network, address }))
    }
    return { network, open, told, abandon: () => Promise.resolve() }
  }
  const warn = (text: string): void => reporter.warn('broker-warning', text)
  const throttling = new Throttling(systemClock, reporter)
  const onThrottled = (told: Throttled): void => throttling.heard(told)
  const openRoleLog = await brokersAs(context, options, warn, onThrottled)
  const own: { log?: Log } = { log: await openRoleLog('door') }
  const abandon = async (): Promise<void> => own.log?.close()
  try {
    const network = await networkOn(own.log as Log, applicationId, directory, options)
    const open = async (address: string): Promise<RunningNode> => {
      const log = own.log as Log
      delete own.log
      const node = await startNodeOn(log, { ...given, openRoleLog, throttling, network, address })
      return beside(node, () => openRoleLog(SINK_ROLE))
    }
    return { network, open, told, abandon }
  } catch (error) {
    await abandon()
    throw error
  }
}

/** Of the node itself; undefined: all. */
function nodeRoles({ roles, connector }: Options): Role[] | undefined {
  if (roles?.includes(SINK_ROLE) === true && connector === undefined) {
    throw new HbError('usage', `--roles ${SINK_ROLE} needs --connector, which says what it runs`)
  }
  return roles?.filter((role) => role !== SINK_ROLE)
}

/** Warnings of --command-config are those of the brokers: said once, there. */
async function writerSchemas(options: Options): Promise<WriterSchemas | undefined> {
  const place = await registryPlace(options)
  if (place === undefined) return undefined
  const { openWriterSchemas } = await import('../../schemas/index.ts')
  return openWriterSchemas(place)
}

function addressOf(reporter: Reporter, options: Options, url: string): string {
  const address = options.advertisedUrl ?? reachable(url)
  const { bootstrapServer } = options
  const isApart = bootstrapServer !== undefined && !THIS_MACHINE.test(bootstrapServer)
  if (isApart && THIS_MACHINE.test(address)) {
    const text = `other machines do not reach ${address}: give --advertised-url`
    reporter.warn('address-unreachable', text, { address })
  }
  return address
}

/** An address that means "any of mine" is no address to others: this machine's name is. */
function reachable(url: string): string {
  const { protocol, hostname: host, port } = new URL(url)
  return host === '0.0.0.0' || host === '[::]' ? `${protocol}//${hostname()}:${port}` : url
}

function printStarted(
  { terminal }: CommandContext,
  options: Options,
  network: Network,
  { api }: RunningNode,
  places: { readonly url: string; readonly address: string; readonly rest?: string },
): void {
  const { url, address, rest } = places
  const { applicationId = DEFAULT_APPLICATION_ID } = options
  const { roles, log } = api.health()
  const data = resolve(options.data)
  if (options.json === true) {
    const node = { ...places, roles, network: network.id, applicationId, data }
    terminal.out(JSON.stringify({ ok: true, ...node }))
    return
  }
  const { genesis, processIds } = network
  const pairs: [string, string][] = [
    ['node', url],
    ...(address === url ? [] : [['address', address] as [string, string]]),
    ...(rest === undefined ? [] : [['connectors', rest] as [string, string]]),
    ['network', `${network.id} (${genesis.name}, partitions: ${genesis.partitions})`],
    ['log', namesBrokers(options) ? `${log}, ${applicationId}.*` : `embedded, in ${data}`],
    ...(roles.length === ROLES.length ? [] : [['roles', roles.join(', ')] as [string, string]]),
    ...[...processIds].map(([name, id]): [string, string] => [name, id]),
  ]
  for (const line of pairLines(pairs, paint(terminal.color))) terminal.out(line)
}

function rolesValue(text: string): PlayedRole[] {
  const all: readonly PlayedRole[] = [...ROLES, SINK_ROLE]
  const asked = text.split(',').map((each) => each.trim())
  const unknown = asked.find((each) => !all.some((role) => role === each))
  if (unknown === undefined) return all.filter((role) => asked.includes(role))
  throw new HbError('usage', `--roles ${text}: a list out of ${all.join(', ')}`)
}

function urlValue(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== '') {
    throw new HbError('usage', `--advertised-url ${text}: an http address`)
  }
  return url.href.replace(/\/+$/, '')
}
