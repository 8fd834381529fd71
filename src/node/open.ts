// A node in one directory: the embedded log, its stores, and all roles on them.
//
// Directory: `log/` is the truth; `index/` and `states/` are caches of it and may be deleted while
// nothing runs.

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../log/embedded/index.ts'
import type { Log } from '../log/port.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Clock } from '../std/clock.ts'
import { openLmdbStore } from '../store/lmdb/index.ts'
import type { NodeOptions, RunningNode } from './node.ts'
import { composeNode } from './node.ts'

export type LocalNodeOptions = {
  readonly network: Network
  readonly directory: string
  readonly clock?: Clock
  readonly applicationId?: string
  /** Default: one per core. */
  readonly evaluatorWorkers?: number
  readonly verifierThreads?: number
  readonly limits?: NonNullable<NodeOptions['limits']>
  readonly onHalted?: NonNullable<NodeOptions['onHalted']>
}

export type LocalNode = RunningNode & { readonly log: Log }

/**
 * Errors: those of opening the log and the stores (`log-locked`, …); what was opened is closed
 * again.
 */
export async function startNode(options: LocalNodeOptions): Promise<LocalNode> {
  const { network, directory, evaluatorWorkers, verifierThreads, ...rest } = options
  const opened: { close(): Promise<void> }[] = []
  const closeAll = async (): Promise<void> => {
    for (const each of opened.reverse()) await each.close()
  }
  const keep = <T extends { close(): Promise<void> }>(each: T): T => {
    opened.push(each)
    return each
  }
  try {
    const log = keep(await openEmbeddedLog({ dir: join(directory, 'log') }))
    const cache = (name: string) => openLmdbStore({ dir: join(directory, name), durable: false })
    const sequencerStore = keep(await cache('index'))
    const dreStore = keep(await cache('states'))
    const cores = availableParallelism()
    const node = await composeNode({
      ...rest,
      genesis: network.genesis,
      log,
      sequencerStore,
      dreStore,
      evaluatorWorkers: evaluatorWorkers ?? cores,
      verifierThreads: verifierThreads ?? cores,
    })
    return {
      ...node,
      log,
      async close() {
        await node.close()
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}
