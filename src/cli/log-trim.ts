// hb log trim: what may go of the log is found and verified, partition by partition, and deleted
// only when all of it was.

import { join, resolve } from 'node:path'
import type { Log } from '../log/port.ts'
import type { Trimmable } from '../replay/index.ts'
import { topicNames } from '../protocol/topics.ts'
import { isHbError, HbError } from '../std/errors.ts'
import { openArchive, withChecks, type ArchiveOptions } from './archive-place.ts'
import { DEFAULT_APPLICATION_ID, namesBrokers, openBroker } from './broker.ts'
import { sinkGroup } from './connectors.ts'
import type { CommandContext } from './context.ts'
import { DEFAULT_DATA, withHistory, withScratch, withWorkbench } from './history.ts'
import type { History, HistoryOptions } from './history.ts'
import { showProgress } from './progress.ts'
import { tableLines, type Cell } from './table.ts'
import { paint } from './terminal.ts'

export type TrimLogOptions = ArchiveOptions &
  Omit<HistoryOptions, 'url'> & {
    readonly beforeInterval: number
    readonly execute?: true
    readonly json?: true
  }

export async function trimLog(context: CommandContext, options: TrimLogOptions): Promise<void> {
  const { terminal } = context
  const found = await withHistory(context, options, (history) => check(context, options, history))
  const { execute = false } = options
  if (execute) await trim(context, options, found)
  if (options.json === true) {
    return terminal.out(JSON.stringify({ ok: true, deleted: execute, partitions: found }))
  }
  const right = { align: 'right' as const }
  const columns = [
    { title: 'partition', ...right },
    { title: 'records', ...right },
    { title: 'begins at height', ...right },
    { title: 'processes compared', ...right },
  ]
  const rows = found.map((each): Cell[] => {
    return [each.partition, each.records, each.from, each.processes]
  })
  for (const line of tableLines(columns, rows, paint(terminal.color))) terminal.out(line)
  const said = execute
    ? 'Deleted. A sequencer without an index of ids fills it with hb rebuild --from.'
    : 'Verified, and nothing is deleted: --execute does it.'
  terminal.out(said)
}

async function check(
  context: CommandContext,
  options: TrimLogOptions,
  history: History,
): Promise<Trimmable[]> {
  const { terminal } = context
  const { checkTrim } = await import('../replay/index.ts')
  const archive = await openArchive(options.from)
  const progress = showProgress(terminal, 'verifying', 'records')
  const { network, applicationId } = history
  // they read the log from their positions on
  const groups = [`${applicationId}.dre`, sinkGroup(applicationId)]
  const found: Trimmable[] = []
  try {
    await withChecks(options, (checks) =>
      withWorkbench(network, 1, (bench) =>
        withScratch(async (recorded) => {
          for (let partition = 0; partition < network.genesis.partitions; partition++) {
            progress.begin(`verifying partition ${partition}`)
            const place = { ...history, partition, groups, beforeInterval: options.beforeInterval }
            const trimmable = await checkTrim({
              ...place,
              ...bench,
              recorded,
              archive: { ...checks, archive },
              onProgress: (done, total) => progress.at(done, total),
              signal: terminal.signal,
            })
            found.push(trimmable)
          }
        }),
      ),
    )
    return found
  } finally {
    progress.end()
    await archive.close()
  }
}

async function trim(
  context: CommandContext,
  options: TrimLogOptions,
  found: readonly Trimmable[],
): Promise<void> {
  const { applicationId = DEFAULT_APPLICATION_ID } = options
  const log = await openToTrim(context, options)
  try {
    for (const { partition, before } of found) {
      if (before !== undefined) await log.trim(topicNames(applicationId).log, partition, before)
    }
  } finally {
    await log.close()
  }
}

async function openToTrim(context: CommandContext, options: TrimLogOptions): Promise<Log> {
  if (namesBrokers(options)) return openBroker(context, options, 'admin')
  const { openEmbeddedLog } = await import('../log/embedded/index.ts')
  try {
    return await openEmbeddedLog({ dir: join(resolve(options.data ?? DEFAULT_DATA), 'log') })
  } catch (error) {
    if (!isHbError(error, 'log-locked')) throw error
    throw new HbError('node-running', error.detail, { cause: error })
  }
}
