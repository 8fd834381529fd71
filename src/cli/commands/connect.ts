// hb connect: connectors in an OS process of their own, behind Kafka Connect's REST.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Log } from '../../log/port.ts'
import type { Network } from '../../protocol/genesis.ts'
import { HbError } from '../../std/errors.ts'
import { brokerOptions, namesBrokers, openBroker, type BrokerOptions } from '../broker.ts'
import { restOptions, runConnectors, SINK_ROLE } from '../connectors.ts'
import type { RestOptions, RunningConnect } from '../connectors.ts'
import type { CommandContext } from '../context.ts'
import { DEFAULT_DATA } from '../history.ts'
import { jsonOption, secondsValue } from '../options.ts'
import { logOptions, reportTo, type LogOptions, type NodeReporting } from '../report-lines.ts'
import { aborted, endInTime } from '../run-node.ts'
import { pairLines } from '../table.ts'
import { paint } from '../terminal.ts'
import { keepYoungGeneration } from '../young-generation.ts'

const HELP = `
As connect-standalone of Kafka: each FILE is a connector, in JSON or as properties, and others may
be made over REST; those live until this ends. Nothing of them is kept but what is pending, in
--data. Without brokers it archives the embedded log in --data, while no node runs on it: beside a
node, "hb start --connector FILE" does.

Examples:
  hb connect start connector.json --bootstrap-server kafka:9092
  hb connect start sink.properties --data ./net --rest-port 9083
  curl -s http://127.0.0.1:8083/connectors?expand=status`

type Options = BrokerOptions &
  RestOptions &
  LogOptions & {
    readonly data: string
    readonly shutdownTimeout: number
    readonly json?: true
  }

export function addConnect(program: Command, context: CommandContext): void {
  const connect = program
    .command('connect')
    .description("run connectors, as Kafka Connect's standalone worker does")
  const command = connect
    .command('start')
    .description('run the connectors of these files until interrupted')
    .argument('[files...]', 'connectors, as JSON or properties')
    .option('--data <dir>', 'where the embedded log is, and what is pending', DEFAULT_DATA)
    .option('--shutdown-timeout <seconds>', 'for what is under way at the end', secondsValue, 30)
  restOptions(logOptions(brokerOptions(command))).addHelpText('after', HELP)
  jsonOption(command).action((files: readonly string[], options: Options) =>
    start(context, files, options),
  )
}

type Place = {
  readonly log: Log
  readonly networkOf: (applicationId: string) => Promise<Network>
}

async function start(
  context: CommandContext,
  files: readonly string[],
  options: Options,
): Promise<void> {
  const { terminal } = context
  const reporting = reportTo(terminal, options)
  const { reporter } = reporting
  const under: { what: () => readonly string[] } = { what: () => ['starting'] }
  const done = new AbortController()
  const shutdownTimeoutS = options.shutdownTimeout
  const run = { terminal, reporter, shutdownTimeoutS }
  const watching = endInTime(run, () => under.what(), done.signal)
  keepYoungGeneration()
  try {
    const { log, networkOf } = await place(context, options)
    try {
      const dataDir = resolve(options.data)
      const { restHost, restPort } = options
      const ports = { log, networkOf, reporter, dataDir, restHost, restPort }
      const connect = await runConnectors({ ...ports, files })
      under.what = () => connect.unfinished()
      await untilToldToEnd(context, options, { connect, log, reporting })
    } finally {
      await log.close()
    }
  } finally {
    done.abort()
    await watching
    reporting.close()
  }
}

async function untilToldToEnd(
  { terminal }: CommandContext,
  options: Options,
  {
    connect,
    log,
    reporting: { reporter, format },
  }: { connect: RunningConnect; log: Log; reporting: NodeReporting },
): Promise<void> {
  const { url } = connect
  const isForPeople = format === 'human' && options.json !== true
  if (options.json === true) terminal.out(JSON.stringify({ ok: true, rest: url }))
  else {
    const pairs: [string, string][] = [
      ['rest', url],
      ['log', log.describe()],
      ['pending', join(resolve(options.data), 'connect')],
    ]
    for (const line of pairLines(pairs, paint(terminal.color))) terminal.out(line)
  }
  reporter.info('connect-ready', `ready: ${url}`, { rest: url })
  if (isForPeople) terminal.err('Running; Ctrl-C stops it.')
  await aborted(terminal.signal)
  reporter.info('connect-stopping', 'stopping: what is under way is finished first')
  await connect.close()
  reporter.info('connect-stopped', 'stopped')
}

async function place(context: CommandContext, options: Options): Promise<Place> {
  if (namesBrokers(options)) {
    const { recordedNetwork } = await import('../../node/index.ts')
    const log = await openBroker(context, options, SINK_ROLE)
    return { log, networkOf: (applicationId) => recordedNetwork(log, applicationId) }
  }
  const directory = resolve(options.data)
  const { genesisIn } = await import('../dev-genesis.ts')
  const network = await genesisIn(directory)
  if (network === undefined || !existsSync(join(directory, 'log'))) {
    throw new HbError('log-absent', `${directory}: name a data directory, or brokers`)
  }
  const { openEmbeddedLog } = await import('../../log/embedded/index.ts')
  const log = await openEmbeddedLog({ dir: join(directory, 'log') })
  return { log, networkOf: () => Promise.resolve(network) }
}
