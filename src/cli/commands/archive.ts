// hb archive: what an archive holds, and whether it holds what it says.

import type { Command } from 'commander'
import type {
  Archive,
  Listing,
  ReadArchiveOptions,
  ReadPartition,
} from '../../archive/index.ts'
import type { Network } from '../../protocol/genesis.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { ArchiveOptions } from '../archive-place.ts'
import {
  archiveOptions,
  networkValue,
  openArchive,
  signaturesOption,
  withChecks,
} from '../archive-place.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption } from '../options.ts'
import { partitionLines } from '../print-archive.ts'
import { showProgress } from '../progress.ts'
import { shortId, tableLines, type Cell } from '../table.ts'
import { paint } from '../terminal.ts'
import { addArchiveCost } from './archive-cost.ts'

const HELP = `
ls      shows the segments by their tags; nothing of them is read
verify  reads every partition from its genesis on: chain, hashes, roots; exit code 1 where it breaks
cost    asks a gateway of Arweave what posting costs, and says what is still to be posted

Examples:
  hb archive ls --from file:./archive
  hb archive verify --from arweave:https://arweave.net --network <id> --owner <address>`

type Options = ArchiveOptions & { readonly network?: string; readonly json?: true }

export function addArchive(program: Command, context: CommandContext): void {
  const archive = program
    .command('archive')
    .description('look at an archive and verify it')
    .addHelpText('after', HELP)
  const ls = archive.command('ls').description('show which heights an archive holds')
  const verify = archive.command('verify').description('read and verify an archive')
  for (const command of [ls, verify]) {
    jsonOption(archiveOptions(command)).option('--network <id>', 'only this one', networkValue)
  }
  ls.action((options: Options) => list(context, options))
  signaturesOption(verify).action((options: Options) => verifyAll(context, options))
  addArchiveCost(archive, context)
}

async function withNetworks(
  { from, network, owner }: Options,
  use: (archive: Archive, networks: readonly Network[]) => Promise<void>,
): Promise<void> {
  const archive = await openArchive(from)
  try {
    const { archivedNetwork, listNetworks } = await import('../../archive/index.ts')
    const ids = network === undefined ? await listNetworks(archive) : [network]
    if (ids.length === 0) throw new HbError('archive-absent', archive.describe())
    const networks: Network[] = []
    for (const id of ids) networks.push(await archivedNetwork(archive, id, owner))
    await use(archive, networks)
  } finally {
    await archive.close()
  }
}

async function list({ terminal }: CommandContext, options: Options): Promise<void> {
  const { listSegments } = await import('../../archive/index.ts')
  const { allGenerations } = await import('../../protocol/generations.ts')
  await withNetworks(options, async (archive, networks) => {
    const seen: Seen[] = []
    for (const network of networks.flatMap(allGenerations)) {
      const { generation, partitions } = network.genesis
      for (let partition = 0; partition < partitions; partition++) {
        const listing = await listSegments(archive, { network, partition }, options.owner)
        seen.push({ network: network.id, generation, partition, listing })
      }
    }
    if (options.json === true) {
      const segments = seen.flatMap((each) => rowsOf(each))
      const ids = networks.map(({ id }) => id)
      return terminal.out(JSON.stringify({ ok: true, networks: ids, segments }))
    }
    const colors = paint(terminal.color)
    for (const { id } of networks) {
      terminal.out(`network ${id}`)
      const rows = seen.filter(({ network }) => network === id).flatMap((each) => rowsOf(each))
      for (const line of tableLines(COLUMNS, rows.map(cellsOf), colors)) terminal.out(line)
    }
  })
}

type Seen = {
  readonly network: string
  readonly generation: number
  readonly partition: number
  readonly listing: Listing
}

type Row = {
  readonly generation: number
  readonly partition: number
  readonly from?: number
  readonly to?: number
  readonly bytes: number
  readonly id: string
  readonly owner: string
  readonly place: string
  readonly flaw?: string
}

const COLUMNS = [
  { title: 'generation', align: 'right' },
  { title: 'partition', align: 'right' },
  { title: 'from', align: 'right' },
  { title: 'to', align: 'right' },
  { title: 'bytes', align: 'right' },
  { title: 'owner' },
  { title: 'id' },
  { title: 'flaw' },
] as const

function rowsOf({ generation, partition, listing }: Seen): Row[] {
  const { segments, flawed } = listing
  return [
    ...segments.map(({ found: { bytes, id, owner, place }, range: { from, to } }) => {
      return { generation, partition, from, to, bytes, id, owner, place }
    }),
    ...flawed.map(({ found: { bytes, id, owner, place }, why }) => {
      return { generation, partition, bytes, id, owner, place, flaw: `${place}: ${why}` }
    }),
  ]
}

function cellsOf({ generation, partition, from, to, bytes, owner, id, flaw = '' }: Row): Cell[] {
  const shown: Cell = flaw === '' ? '' : { text: flaw, style: 'red' }
  const place = [generation, partition, from ?? '?', to ?? '?']
  return [...place, bytes, shortId(owner), shortId(id), shown]
}

type Verified = { readonly network: string } & (
  | { readonly ok: true; readonly read: ReadPartition }
  | { readonly ok: false; readonly partition: number; readonly error: HbError }
)

async function verifyAll(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  await withNetworks(options, async (archive, networks) => {
    const progress = showProgress(terminal, 'verifying', 'heights')
    const verified: Verified[] = []
    try {
      await withChecks(options, async (checks) => {
        for (const network of networks) {
          for (let partition = 0; partition < network.genesis.partitions; partition++) {
            progress.begin(`verifying partition ${partition}`)
            const onProgress = (done: number, total: number): void => progress.at(done, total)
            const { signal } = terminal
            const reading = { ...checks, archive, network, onProgress, signal }
            verified.push(await verifyOne(reading, partition))
          }
        }
      })
    } finally {
      progress.end()
    }
    context.exitCode = verified.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed
    if (options.json === true) return terminal.out(JSON.stringify(jsonOf(verified)))
    for (const { id } of networks) {
      terminal.out(`network ${id}`)
      const own = verified.filter(({ network }) => network === id)
      const whole = own.flatMap((each) => (each.ok ? [each.read] : []))
      for (const line of partitionLines(context, whole)) terminal.out(line)
      for (const each of own) if (!each.ok) printBroken(context, each.partition, each.error)
    }
  })
}

async function verifyOne(options: ReadArchiveOptions, partition: number): Promise<Verified> {
  const { verifyPartition } = await import('../../archive/index.ts')
  const network = options.network.id
  try {
    return { network, ok: true, read: await verifyPartition(options, partition) }
  } catch (error) {
    if (!isHbError(error) || error.code === 'interrupted') throw error
    return { network, ok: false, partition, error }
  }
}

function jsonOf(verified: readonly Verified[]): object {
  const partitions = verified.map((each) => {
    if (each.ok) return { network: each.network, ok: true, ...each.read }
    const { network, partition, error } = each
    const { code, detail, advice } = error
    return { network, ok: false, partition, error: { code, detail, advice } }
  })
  return { ok: verified.every(({ ok }) => ok), partitions }
}

function printBroken({ terminal }: CommandContext, partition: number, error: HbError): void {
  const { red } = paint(terminal.color)
  terminal.out(`${red(`${error.code}:`)} partition ${partition}: ${error.detail}`)
  terminal.out(`  ${error.advice}`)
}
