// hb restore: a network's log out of its archive, into an empty embedded log or empty topics.

import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { ReadPartition } from '../../archive/index.ts'
import type { Log } from '../../log/port.ts'
import type { Network } from '../../protocol/genesis.ts'
import { HbError } from '../../std/errors.ts'
import type { ArchiveOptions } from '../archive-place.ts'
import {
  archiveOptions,
  networkValue,
  openArchive,
  signaturesOption,
  withChecks,
} from '../archive-place.ts'
import { DEFAULT_APPLICATION_ID, openBroker } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption, wholeValue } from '../options.ts'
import { showProgress } from '../progress.ts'
import { tableLines } from '../table.ts'
import { paint } from '../terminal.ts'

const HELP = `
Each segment is verified before anything of it is written: chain, hashes, root, and with
--signatures the signatures of wallets. A segment that is missing, doubled, altered or foreign is
named, and nothing is written past it. Interrupted or failed, the same command goes on where it
stopped. No node may run on the target meanwhile; states are rebuilt when one starts.

Examples:
  hb restore --from file:./archive --network <id> --to embedded:hb-data
  hb restore --from arweave:https://arweave.net --network <id> --to host:9092 --owner <address>
  hb restore --from file:./archive --network <id> --to embedded:then --to-height 20000`

type Options = ArchiveOptions & {
  readonly network: string
  readonly to: string
  readonly toHeight?: number
  readonly commandConfig?: string
  readonly applicationId?: string
  readonly json?: true
}

const EMBEDDED = 'embedded:'

export function addRestore(program: Command, context: CommandContext): void {
  const command = program
    .command('restore')
    .description("bring a network's log back from its archive")
    .requiredOption('--network <id>', 'which network', networkValue)
    .requiredOption('--to <target>', 'embedded:DIR, or brokers as host:port,host:port')
    .option('--to-height <height>', 'no further than this height, in every partition', wholeValue)
    .option('--command-config <file>', "a client.properties with Kafka's own keys (TLS, SASL)")
    .option(
      '--application-id <name>',
      `prefix of the topics (default ${DEFAULT_APPLICATION_ID})`,
    )
    .addHelpText('after', HELP)
  jsonOption(signaturesOption(archiveOptions(command))).action((options: Options) =>
    restoreNetwork(context, options),
  )
}

async function restoreNetwork(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const { applicationId = DEFAULT_APPLICATION_ID, toHeight, json } = options
  const archive = await openArchive(options.from)
  const { archivedNetwork, restore } = await import('../../archive/index.ts')
  const network = await archivedNetwork(archive, options.network)
  const log = await openTarget(context, options, network)
  const progress = showProgress(terminal, 'restoring', 'heights')
  try {
    const partitions = await withChecks(options, (checks) =>
      restore({
        ...checks,
        archive,
        network,
        log,
        applicationId,
        ...(toHeight !== undefined && { to: toHeight }),
        onProgress: (done, total) => progress.at(done, total),
        signal: terminal.signal,
      }),
    )
    progress.end()
    if (json === true) {
      terminal.out(JSON.stringify({ ok: true, network: network.id, to: options.to, partitions }))
    } else for (const line of partitionLines(context, partitions)) terminal.out(line)
  } finally {
    progress.end()
    await log.close()
    await archive.close()
  }
}

/** The log to restore into; it is of the network from then on. */
async function openTarget(
  context: CommandContext,
  { to, commandConfig, applicationId = DEFAULT_APPLICATION_ID }: Options,
  network: Network,
): Promise<Log> {
  if (to.startsWith(EMBEDDED)) {
    if (to === EMBEDDED) throw new HbError('usage', `--to ${to}: write it as embedded:DIR`)
    const directory = resolve(to.slice(EMBEDDED.length))
    const { keepGenesis } = await import('../start-network.ts')
    await keepGenesis(directory, network)
    const { openEmbeddedLog } = await import('../../log/embedded/index.ts')
    return openEmbeddedLog({ dir: join(directory, 'log') })
  }
  const brokers = { bootstrapServer: to, applicationId, ...(commandConfig && { commandConfig }) }
  const log = await openBroker(context, brokers, 'admin')
  try {
    const { agreeOnNetwork } = await import('../../node/index.ts')
    const { systemClock } = await import('../../std/clock.ts')
    const make = (): Promise<Network> => Promise.resolve(network)
    await agreeOnNetwork({ log, applicationId, clock: systemClock, own: network, make })
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

/** A table of what was read of each partition. */
export function partitionLines(
  { terminal }: CommandContext,
  partitions: readonly ReadPartition[],
): string[] {
  const right = { align: 'right' as const }
  const columns = [
    { title: 'partition', ...right },
    { title: 'height', ...right },
    { title: 'segments', ...right },
    { title: 'entries', ...right },
    { title: 'hash' },
  ]
  const rows = partitions.map(({ partition, height, segments, entries, hash }) => {
    return [partition, height, segments, entries, hash]
  })
  return tableLines(columns, rows, paint(terminal.color))
}
