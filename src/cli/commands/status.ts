// hb status: who has which partition, how far it is, what is halted and why.

import type { Command } from 'commander'
import type { Log } from '../../log/port.ts'
import type { Role } from '../../node/index.ts'
import { askNodes, nodesOf } from '../ask-nodes.ts'
import type { CommandContext } from '../context.ts'
import { DEFAULT_APPLICATION_ID, namesBrokers, openBroker } from '../broker.ts'
import { EXIT } from '../exit-codes.ts'
import { groupPositions } from '../group-positions.ts'
import type { Lags, NetworkStatus, PartitionStatus, Restoring, Told } from '../network-status.ts'
import { networkStatus } from '../network-status.ts'
import { jsonOption, urlOption, type UrlOptions } from '../options.ts'
import { ROLES } from '../roles.ts'
import type { Cell } from '../table.ts'
import { tableLines } from '../table.ts'
import { paint, type Terminal } from '../terminal.ts'

const HELP = `
With --bootstrap-server every node of the groups is asked, and lag is what each role's group has
not committed (as kafka-consumer-groups shows it). Of a node by its address only what it knows.
Exit code 1: a partition is halted, or not served by a role. One whose ingress waits for a schema
registry is named, and goes on by itself.

Examples:
  hb status
  hb status --bootstrap-server kafka:9092
  hb status --bootstrap-server kafka:9092 --json | jq '.partitions[] | select(.halted != [])'`

type Options = UrlOptions & { readonly json?: true }

export function addStatus(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description('show partitions, their owners, copies, heights and lags, and what is halted')
    .addHelpText('after', HELP)
  jsonOption(urlOption(command)).action(async (options: Options) => {
    const { terminal } = context
    const status = await ask(context, options)
    if (options.json === true) terminal.out(JSON.stringify(status))
    else print(terminal, status)
    context.exitCode = status.ok ? EXIT.ok : EXIT.failed
  })
}

async function ask(context: CommandContext, options: UrlOptions): Promise<NetworkStatus> {
  const { url } = options
  if (url !== undefined || !namesBrokers(options)) {
    return networkStatus(await nodesOf(context, options))
  }
  const { applicationId = DEFAULT_APPLICATION_ID } = options
  const log = await openBroker(context, options, 'reader')
  try {
    const nodes = await askNodes(log, applicationId)
    return networkStatus(nodes, await askLags(log, applicationId))
  } finally {
    await log.close()
  }
}

async function askLags(log: Log, applicationId: string): Promise<Lags> {
  const { CONSUMED, topicNames } = await import('../../protocol/topics.ts')
  const names = topicNames(applicationId)
  const lagsOf = async (role: Role): Promise<number[]> => {
    const group = `${applicationId}.${role}`
    return (await groupPositions(log, group, names[CONSUMED[role]])).map(({ lag }) => lag)
  }
  const [sequencer, dre, relayer] = await Promise.all([
    lagsOf('sequencer'),
    lagsOf('dre'),
    lagsOf('relayer'),
  ])
  return { sequencer, dre, relayer }
}

function print(terminal: Terminal, { network, nodes, partitions }: NetworkStatus): void {
  const colors = paint(terminal.color)
  if (network !== undefined) terminal.out(colors.dim(`network ${network}`))
  const named = nodes.map((node): Cell[] => {
    if ('error' in node) return [node.address, '', { text: node.error, style: 'red' }]
    const { roles, ready } = node.health
    const style = ready ? 'green' : 'red'
    return [node.address, roles.join(','), { text: ready ? 'ready' : 'not ready', style }]
  })
  const nodeColumns = [{ title: 'node' }, { title: 'roles' }, { title: 'state' }]
  for (const line of tableLines(nodeColumns, named, colors)) terminal.out(line)
  terminal.out('')
  const hasLag = partitions.some(({ lag }) => lag !== undefined)
  const columns = [
    { title: 'partition', align: 'right' as const },
    ...ROLES.map((role) => ({ title: role })),
    { title: 'copies' },
    { title: 'height', align: 'right' as const },
    { title: 'evaluated', align: 'right' as const },
    ...(hasLag ? [{ title: 'lag' }] : []),
  ]
  const rows = partitions.map((each) => rowOf(each, hasLag))
  for (const line of tableLines(columns, rows, colors)) terminal.out(line)
  for (const { partition, halted, schemaAwaited, restoring } of partitions) {
    for (const each of restoring) terminal.out(`restoring partition ${partition} ${farOf(each)}`)
    const told = (what: string, { address, code, text }: Told): void =>
      terminal.out(`${what} partition ${partition} at ${address}: ${code}: ${text}`)
    for (const each of halted) told(colors.red('halted'), each)
    for (const each of schemaAwaited) told(colors.yellow('waits for a schema registry:'), each)
  }
}

function farOf({ role, address, topic, read, of, etaMs }: Restoring): string {
  const where = `(${role}) at ${address}`
  if (topic === undefined || read === undefined || of === undefined) return `${where}: begun`
  const left = etaMs === undefined ? '' : `, about ${Math.ceil(etaMs / 1_000)} s left`
  return `${where}: ${read} of ${of} records of ${topic}${left}`
}

function rowOf(status: PartitionStatus, hasLag: boolean): Cell[] {
  const { partition, owners, standbys, height, evaluated, lag = {} } = status
  const owned = ROLES.map((role): Cell => {
    const owner = owners[role]
    if (owner === undefined) return { text: 'nobody', style: 'red' }
    const { address, holding } = owner
    return holding === 'open' ? address : { text: `${address} (${holding})`, style: 'yellow' }
  })
  const copies = standbys.map(({ role, address, lag: behind }) => {
    return `${role} ${address} ${behind === null ? 'begun' : `−${behind}`}`
  })
  const lags = ROLES.map((role) => lag[role] ?? '?').join(' / ')
  const rest = hasLag ? [lags] : []
  return [partition, ...owned, copies.join(', '), height, evaluated, ...rest]
}
