// hb restore: a network's log out of its archive, into an empty embedded log or empty topics.

import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Archive, ReadArchiveOptions } from '../../archive/index.ts'
import type { Log } from '../../log/port.ts'
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
import { DEFAULT_APPLICATION_ID, openBroker, type BrokerOptions } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { processOf } from '../history.ts'
import { jsonOption, wholeValue } from '../options.ts'
import { markPart, unmarkPart } from '../part-of-log.ts'
import { cutLines, partitionLines } from '../print-archive.ts'
import { showProgress } from '../progress.ts'
import type { RestorePlan } from '../restore-plan.ts'

const HELP = `
Each segment is verified before anything of it is written: chain, hashes, root, and with
--signatures the signatures of wallets. A segment that is missing, doubled, altered or foreign is
named, and nothing is written past it. Interrupted or failed, the same command goes on where it
stopped. No node may run on the target meanwhile; states are rebuilt when one starts.

--process     the log of its partition, and modules that it names and only other partitions have; of
              the others nothing is read. For hb replay and hb state, as with --to-height: what is
              restored by choice no node starts on.
--new-generation  where acknowledged entries were lost: every partition is cut back until none holds
what a lost entry sent, and the network goes on from there in its next generation, which every
wallet's signature names. The target must be empty.

Examples:
  hb restore --from file:./archive --network <id> --to embedded:hb-data
  hb restore --from file:./archive --network <id> --to host:9092 --application-id restored
  hb restore --from file:./archive --network <id> --to embedded:then --to-height 20000
  hb restore --from file:./archive --network <id> --to embedded:one --process <process>
  hb restore --from file:./archive --network <id> --to embedded:hb-data --new-generation
  hb restore --from arweave:GATEWAY --network <id> --to host:9092 --owner <address>`

type Options = ArchiveOptions & {
  readonly network: string
  readonly to: string
  readonly toHeight?: number
  readonly process?: string
  readonly newGeneration?: true
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
    .option('--process <process>', 'only what it needs, to look at (by id, or name in genesis)')
    .option('--new-generation', 'go on without what was lost, from the greatest consistent cut')
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
  const progress = showProgress(terminal, 'restoring', 'heights')
  const closing: (() => Promise<void>)[] = [() => archive.close()]
  try {
    const { restore } = await import('../../archive/index.ts')
    const { signal } = terminal
    const done = await withChecks(options, async (checks) => {
      const { network, cut } = await planOf(context, options, archive, { ...checks, signal })
      const process = options.process && processOf(network, options.process)
      const log = await openTarget(context, options, network)
      closing.push(() => log.close())
      const partitions = await restore({
        ...checks,
        archive,
        network,
        log,
        applicationId,
        unused: cut !== undefined,
        ...(process !== undefined && { process }),
        ...(toHeight !== undefined && { to: toHeight }),
        onProgress: (height, total) => progress.at(height, total),
        signal,
      })
      if (!isPart(options)) await unmark(options)
      return { network, partitions, cut }
    })
    progress.end()
    const { network, partitions, cut } = done
    if (json === true) {
      const of = { network: network.id, generation: network.genesis.generation, to: options.to }
      return terminal.out(JSON.stringify({ ok: true, ...of, partitions, ...(cut && { cut }) }))
    }
    for (const line of partitionLines(context, partitions)) terminal.out(line)
    if (cut !== undefined) for (const line of cutLines(network, cut)) terminal.out(line)
  } finally {
    progress.end()
    for (const close of closing.reverse()) await close()
  }
}

async function planOf(
  context: CommandContext,
  options: Options,
  archive: Archive,
  checks: Pick<ReadArchiveOptions, 'owners' | 'checkItems' | 'signal'>,
): Promise<RestorePlan> {
  const { archivedNetwork } = await import('../../archive/index.ts')
  const { planGeneration, planWhole } = await import('../restore-plan.ts')
  const archived = await archivedNetwork(archive, options.network, options.owner)
  if (options.newGeneration === true) {
    if (isPart(options)) {
      throw new HbError('usage', '--new-generation is of the whole: no --to-height, no --process')
    }
    return planGeneration(archive, archived, await keptIn(context, options), checks)
  }
  if (isPart(options)) return { network: archived }
  return planWhole(archive, archived, checks)
}

/** To look at, and not to go on from. */
function isPart({ toHeight, process }: Options): boolean {
  return toHeight !== undefined || process !== undefined
}

async function unmark({ to }: Options): Promise<void> {
  if (to.startsWith(EMBEDDED)) await unmarkPart(resolve(to.slice(EMBEDDED.length)))
}

/** What the target is of; undefined: it is empty. */
async function keptIn(context: CommandContext, options: Options): Promise<Network | undefined> {
  const { to, applicationId = DEFAULT_APPLICATION_ID } = options
  if (to.startsWith(EMBEDDED)) {
    const { genesisIn } = await import('../dev-genesis.ts')
    return genesisIn(resolve(to.slice(EMBEDDED.length)))
  }
  const log = await openBroker(context, brokersOf(options), 'admin')
  try {
    const { recordedNetwork } = await import('../../node/index.ts')
    return await recordedNetwork(log, applicationId)
  } catch (error) {
    if (isHbError(error, 'network-unknown')) return undefined
    throw error
  } finally {
    await log.close()
  }
}

function brokersOf({ to, commandConfig, applicationId }: Options): BrokerOptions {
  return {
    bootstrapServer: to,
    ...(applicationId !== undefined && { applicationId }),
    ...(commandConfig !== undefined && { commandConfig }),
  }
}

/** The log to restore into; it is of the network from then on. */
async function openTarget(
  context: CommandContext,
  options: Options,
  network: Network,
): Promise<Log> {
  const { to, applicationId = DEFAULT_APPLICATION_ID } = options
  if (to.startsWith(EMBEDDED)) {
    if (to === EMBEDDED) throw new HbError('usage', `--to ${to}: write it as embedded:DIR`)
    const directory = resolve(to.slice(EMBEDDED.length))
    const { keepGenesis } = await import('../start-network.ts')
    const { process, toHeight } = options
    if (isPart(options)) await markPart(directory, { process, toHeight })
    await keepGenesis(directory, network)
    const { openEmbeddedLog } = await import('../../log/embedded/index.ts')
    return openEmbeddedLog({ dir: join(directory, 'log') })
  }
  if (options.process !== undefined) {
    throw new HbError('usage', `--process is to look at: --to ${EMBEDDED}DIR, not brokers`)
  }
  const log = await openBroker(context, brokersOf(options), 'admin')
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
