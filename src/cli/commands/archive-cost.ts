// hb archive cost: what posting to Arweave costs now, and what is still to be posted.

import type { Command } from 'commander'
import type { ArweaveCosts } from '../../archive/index.ts'
import type { Log } from '../../log/port.ts'
import { isIdText } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { openArweave } from '../archive-place.ts'
import { brokerOptions, namesBrokers } from '../broker.ts'
import { sinkGroup } from '../connectors.ts'
import type { CommandContext } from '../context.ts'
import { dataOption, withHistory, type HistoryOptions } from '../history.ts'
import { jsonOption, openWallet, walletOption, wholeValue } from '../options.ts'
import { pairLines } from '../table.ts'
import { paint } from '../terminal.ts'

const HELP = `
Prices are the gateway's, of now, in AR. With --data or --bootstrap-server it says too what of that
log the sink has not yet committed, and what that will cost; with a wallet or an address, what is
left to pay with.

Examples:
  hb archive cost --from arweave:https://arweave.net --mib 100
  hb archive cost --from arweave:https://arweave.net --wallet sink.json --data hb-data`

type Options = HistoryOptions & {
  readonly from: string
  readonly mib: number
  readonly wallet?: string
  readonly address?: string
  readonly group?: string
  readonly json?: true
}

type Costs = {
  readonly mib: number
  /** Winston. */
  readonly price: bigint
  readonly backlog?: { readonly bytes: number; readonly price: bigint }
  readonly wallet?: { readonly address: string; readonly balance: bigint }
}

const MIB = 1_048_576

export function addArchiveCost(archive: Command, context: CommandContext): void {
  const command = archive
    .command('cost')
    .description('ask what posting costs, and what is still to be posted')
    .requiredOption('--from <archive>', 'which gateway to ask: arweave:GATEWAY')
    .option('--mib <number>', 'the price of so many MiB', wholeValue, 1)
    .option('--address <address>', 'whose balance to show, instead of a wallet', addressValue)
    .option('--group <name>', "the sink's consumer group (default: by the application id)")
    .addHelpText('after', HELP)
  jsonOption(walletOption(dataOption(brokerOptions(command)))).action((options: Options) =>
    showCosts(context, options),
  )
}

async function showCosts(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const archive = await openArweave(options.from)
  try {
    const costs = await costsOf(context, options, archive)
    if (options.json === true) return terminal.out(JSON.stringify(jsonOf(costs)))
    for (const line of pairLines(rowsOf(costs), paint(terminal.color))) terminal.out(line)
  } finally {
    await archive.close()
  }
}

async function costsOf(
  context: CommandContext,
  options: Options,
  archive: ArweaveCosts,
): Promise<Costs> {
  const { mib } = options
  const price = await priceOf(archive, mib * MIB)
  const address = await addressOf(context, options)
  const wallet = address !== undefined && {
    wallet: { address, balance: await archive.balance(address) },
  }
  const hasLog = options.data !== undefined || namesBrokers(options)
  const bytes = hasLog ? await backlogOf(context, options) : undefined
  const backlog = bytes !== undefined && {
    backlog: { bytes, price: await priceOf(archive, bytes) },
  }
  return { mib, price, ...backlog, ...wallet }
}

/** In transactions of a full segment each: every one costs something besides its bytes. */
async function priceOf(archive: ArweaveCosts, bytes: number): Promise<bigint> {
  const { SEGMENT_LIMITS } = await import('../../archive/index.ts')
  const { bytesMax } = SEGMENT_LIMITS
  const full = Math.floor(bytes / bytesMax)
  const rest = bytes - full * bytesMax
  const ofFull = full === 0 ? 0n : BigInt(full) * (await archive.price(bytesMax))
  return ofFull + (rest === 0 ? 0n : await archive.price(rest))
}

async function addressOf(context: CommandContext, options: Options): Promise<string | undefined> {
  const { wallet, address } = options
  if (address !== undefined || wallet === undefined) return address
  return (await openWallet(context.terminal, { wallet })).address
}

async function backlogOf(context: CommandContext, options: Options): Promise<number> {
  return withHistory(context, options, async ({ log, applicationId }) => {
    const { topicNames } = await import('../../protocol/topics.ts')
    const topic = topicNames(applicationId).log
    const group = options.group ?? sinkGroup(applicationId)
    const committed = await log.committed(group, topic)
    let bytes = 0
    for (const [partition, { start, end }] of (await log.ends(topic)).entries()) {
      const from = Math.max(start, committed[partition] ?? start)
      bytes += await bytesBetween(log, topic, partition, from, end)
    }
    return bytes
  })
}

async function bytesBetween(
  log: Log,
  topic: string,
  partition: number,
  from: number,
  to: number,
): Promise<number> {
  let bytes = 0
  for (let at = from; at < to; ) {
    const read = await log.read(topic, partition, at, { to })
    for (const { value } of read.records) bytes += value?.length ?? 0
    if (read.next === at) break
    at = read.next
  }
  return bytes
}

function rowsOf({ mib, price, backlog, wallet }: Costs): [string, string][] {
  const rows: [string, string][] = [[`${mib} MiB`, arText(price)]]
  if (backlog !== undefined) {
    rows.push(['still to be posted', `${backlog.bytes} bytes, for ${arText(backlog.price)}`])
  }
  if (wallet !== undefined) rows.push([`balance of ${wallet.address}`, arText(wallet.balance)])
  return rows
}

function jsonOf({ mib, price, backlog, wallet }: Costs): object {
  return {
    ok: true,
    mib,
    winston: String(price),
    ...(backlog && { backlog: { bytes: backlog.bytes, winston: String(backlog.price) } }),
    ...(wallet && { wallet: { address: wallet.address, winston: String(wallet.balance) } }),
  }
}

/** One AR is 10^12 winston. */
function arText(winston: bigint): string {
  const text = String(winston).padStart(13, '0')
  const fraction = text.slice(-12).replace(/0+$/, '')
  return `${text.slice(0, -12)}${fraction === '' ? '' : `.${fraction}`} AR`
}

function addressValue(text: string): string {
  if (isIdText(text)) return text
  throw new HbError('usage', `--address ${text}: not an address`)
}
