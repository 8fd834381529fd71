// hb features: on which feature level each partition is, and raising it.

import type { Command } from 'commander'
import type { Client, Wallet } from '../../client/index.ts'
import type { FeaturesState } from '../../protocol/features.ts'
import { HbError } from '../../std/errors.ts'
import { parseJson } from '../../std/json-text.ts'
import { nodesOf } from '../ask-nodes.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import type { PartitionFeatures } from '../feature-levels.ts'
import { lacking, partitionFeatures, upgradeOf } from '../feature-levels.ts'
import type { NodeAnswer } from '../network-status.ts'
import {
  jsonOption,
  openClient,
  openWallet,
  urlOption,
  walletOption,
  wholeValue,
  type UrlOptions,
  type WalletOptions,
} from '../options.ts'
import type { Cell } from '../table.ts'
import { tableLines } from '../table.ts'
import { paint, type Terminal } from '../terminal.ts'

const HELP = `
A feature level is how entries are evaluated: sandbox, system processes, rules. Upgrade every node
first; then raise the level, by one, with the wallet of an operator (genesis names them). In each
partition it holds from the end of the interval on in which it was asked for; until then it can be
cancelled. A DRE of a build that lacks it halts there: upgrade asks the nodes before it sends.

Examples:
  hb features describe --bootstrap-server kafka:9092
  hb features upgrade --to 2 --wallet operator.json --bootstrap-server kafka:9092 --dry-run
  hb features cancel --wallet operator.json`

type Options = UrlOptions & { readonly json?: true }
type ChangeOptions = Options & WalletOptions & { readonly dryRun?: true }
type UpgradeOptions = ChangeOptions & { readonly to: number; readonly force?: true }

/** What became of it in one partition. */
type Changed = { readonly partition: number; readonly outcome: string; readonly ok: boolean }

export function addFeatures(program: Command, context: CommandContext): void {
  const command = program
    .command('features')
    .description('show the feature levels of partitions and nodes, and raise them')
    .addHelpText('after', HELP)
  const describe = command
    .command('describe')
    .description('show the level of each partition, and the levels that each node has')
  jsonOption(urlOption(describe)).action((options: Options) => showAll(context, options))
  const upgrade = command
    .command('upgrade')
    .description('raise the level of every partition, from the end of its interval on')
    .requiredOption('--to <level>', 'one above the level that holds', wholeValue)
    .option('--dry-run', 'say what would be sent')
    .option('--force', 'send it although a node lacks the level, or does not answer')
  jsonOption(walletOption(urlOption(upgrade))).action((options: UpgradeOptions) =>
    raise(context, options),
  )
  const cancel = command
    .command('cancel')
    .description('take back what was asked for and does not hold yet')
    .option('--dry-run', 'say what would be sent')
  jsonOption(walletOption(urlOption(cancel))).action((options: ChangeOptions) =>
    takeBack(context, options),
  )
}

async function showAll(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const partitions = await partitionsOf(await openClient(context, options))
  const nodes = await nodesOf(context, options)
  if (options.json !== true) return print(terminal, nodes, partitions)
  terminal.out(JSON.stringify({ nodes: nodes.map(levelsOf), partitions }))
}

async function raise(context: CommandContext, options: UpgradeOptions): Promise<void> {
  const { to } = options
  const client = await openClient(context, options)
  const partitions = await partitionsOf(client)
  const plans = partitions.map((each) => ({ ...each, plan: upgradeOf(each, to) }))
  for (const { plan } of plans) {
    if (typeof plan === 'object') throw new HbError('usage', `--to ${to}: ${plan.refused}`)
  }
  const without = lacking(await nodesOf(context, options), to)
  if (without.length > 0 && options.force !== true) {
    const why = `level ${to}: ${without.join('; ')}`
    throw new HbError('feature-level-unknown', `${why}; --force sends it all the same`)
  }
  const asked = { Level: String(to) }
  await change(context, client, options, 'Upgrade', asked, (partition) => {
    const plan = plans[partition]?.plan
    if (plan === 'ask') return undefined
    return plan === 'done' ? 'is there already' : 'was asked for already'
  })
}

async function takeBack(context: CommandContext, options: ChangeOptions): Promise<void> {
  const client = await openClient(context, options)
  const partitions = await partitionsOf(client)
  await change(context, client, options, 'Cancel-Upgrade', {}, (partition) =>
    partitions[partition]?.pending === undefined ? 'nothing is pending' : undefined,
  )
}

/** One message to each partition for which nothing says that there is nothing to do. */
async function change(
  context: CommandContext,
  client: Client,
  options: ChangeOptions,
  action: string,
  tags: Readonly<Record<string, string>>,
  settled: (partition: number) => string | undefined,
): Promise<void> {
  const { terminal } = context
  const { processes, partitions } = await client.network()
  const { featuresName } = await import('../../protocol/features.ts')
  const wallet = options.dryRun === true ? undefined : await openWallet(terminal, options)
  const changed: Changed[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const why = settled(partition)
    const target = processes[featuresName(partition)] as string
    const one =
      why !== undefined
        ? { outcome: why, ok: true }
        : wallet === undefined
          ? { outcome: `would be sent ${action}`, ok: true }
          : await send(client, wallet, target, action, tags)
    changed.push({ partition, ...one })
    if (options.json !== true) terminal.out(`partition ${partition}: ${one.outcome}`)
  }
  const ok = changed.every((each) => each.ok)
  if (options.json === true) terminal.out(JSON.stringify({ ok, partitions: changed }))
  context.exitCode = ok ? EXIT.ok : EXIT.failed
}

async function send(
  client: Client,
  wallet: Wallet,
  target: string,
  action: string,
  tags: Readonly<Record<string, string>>,
): Promise<Omit<Changed, 'partition'>> {
  const all = Object.entries(tags).map(([name, value]) => ({ name, value }))
  const { id, result, refusal } = await client.call(wallet, { target, action, tags: all })
  if (refusal !== undefined) return { outcome: `${refusal.code}: ${refusal.text}`, ok: false }
  if (result === undefined) return { outcome: `not evaluated yet: hb result ${id}`, ok: false }
  if (result.status !== 'ok') return { outcome: `${result.code}: ${result.text}`, ok: false }
  const said = new Map(result.messages[0]?.tags.map(({ name, value }) => [name, value]))
  const from = said.get('From-Height')
  const outcome =
    from === undefined
      ? `stays on level ${said.get('Level')}`
      : `level ${said.get('Pending-Level')} from height ${from} on`
  return { outcome, ok: true }
}

/** Errors: `feature-levels-fixed` */
async function partitionsOf(client: Client): Promise<PartitionFeatures[]> {
  const { featuresName } = await import('../../protocol/features.ts')
  const { processes, partitions } = await client.network()
  if (!Object.hasOwn(processes, featuresName(0))) throw new HbError('feature-levels-fixed')
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const { height } = await client.head(partition)
      const { text } = await client.state(processes[featuresName(partition)] as string)
      return partitionFeatures(partition, parseJson(text) as FeaturesState, height + 1)
    }),
  )
}

function levelsOf(node: NodeAnswer): object {
  if ('error' in node) return node
  const { roles, featureLevels = null } = node.health
  return { address: node.address, roles, featureLevels }
}

function print(
  terminal: Terminal,
  nodes: readonly NodeAnswer[],
  partitions: readonly PartitionFeatures[],
): void {
  const colors = paint(terminal.color)
  const has = nodes.map((node): Cell[] => {
    if ('error' in node) return [node.address, { text: node.error, style: 'red' }]
    const { featureLevels } = node.health
    return [node.address, featureLevels?.join(', ') ?? '– (no DRE)']
  })
  for (const line of tableLines([{ title: 'node' }, { title: 'has' }], has, colors)) {
    terminal.out(line)
  }
  terminal.out('')
  const columns = ['partition', 'level', 'next height', 'pending', 'from height']
  const rows = partitions.map(({ partition, level, nextHeight, pending }): Cell[] => {
    return [partition, level, nextHeight, pending?.level ?? '', pending?.fromHeight ?? '']
  })
  const right = columns.map((title) => ({ title, align: 'right' as const }))
  for (const line of tableLines(right, rows, colors)) terminal.out(line)
  const operators = new Set(partitions.flatMap((each) => each.operators))
  terminal.out('')
  terminal.out(colors.dim(`operators: ${[...operators].join(', ')}`))
}
