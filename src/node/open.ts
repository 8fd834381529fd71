// A node with its directory: the log, the stores that its roles need, and the roles on them.
//
// Directory: `index/` and `states/` are caches of the log and may be deleted while nothing runs. On
// the embedded log `log/` is the truth and lies beside them; on brokers they are all there is, and
// each node has a directory of its own.
// Invariants: O1 whatever fails, what was opened is closed, in the opposite order. O2 a role that
// does not run opens nothing.

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../log/embedded/index.ts'
import type { Log } from '../log/port.ts'
import type { Network } from '../protocol/genesis.ts'
import { openLmdbStore } from '../store/lmdb/index.ts'
import type { Store } from '../store/port.ts'
import type { NodeOptions, RunningNode } from './node.ts'
import { composeNode } from './node.ts'
import { ROLES, type Role } from './ownership.ts'
import { newTickerKey } from './ticker.ts'

export type LocalNodeOptions = {
  readonly network: Network
  readonly directory: string
  /** Default: one per core. */
  readonly evaluatorWorkers?: number
  readonly verifierThreads?: number
  /** Default true: it pokes the network's clock, where there is one, when an alarm is due. */
  readonly ticker?: boolean
  /** The log again, as one role's own; default: all roles share the node's. */
  readonly openRoleLog?: (role: Role) => Promise<Log>
} & Pick<
  NodeOptions,
  | 'roles'
  | 'address'
  | 'standbys'
  | 'clock'
  | 'schemas'
  | 'applicationId'
  | 'limits'
  | 'reporter'
  | 'throttling'
  | 'onHalted'
  | 'onStandbyFailed'
>

export type LocalNode = RunningNode & { readonly log: Log }

/** On the embedded log in the directory. Errors: those of opening it (`log-locked`, …). */
export async function startNode(options: LocalNodeOptions): Promise<LocalNode> {
  return startNodeOn(await openEmbeddedLog({ dir: join(options.directory, 'log') }), options)
}

/** On a log that is open; from here on it is this node's, which closes it. */
export async function startNodeOn(log: Log, options: LocalNodeOptions): Promise<LocalNode> {
  const { network, directory, evaluatorWorkers, verifierThreads, openRoleLog, ...most } = options
  const { ticker = true, ...rest } = most
  const { roles = ROLES } = rest
  const opened: [name: string, part: { close(): Promise<void> }][] = [['log', log]]
  const under: { name?: string } = {}
  const closeAll = async (): Promise<void> => {
    for (const [name, each] of opened.splice(0).reverse()) {
      under.name = name
      await each.close()
    }
    delete under.name
  }
  const cache = async (role: Role, name: string): Promise<Store | undefined> => {
    if (!roles.includes(role)) return undefined
    const store = await openLmdbStore({ dir: join(directory, name), durable: false })
    opened.push([`cache ${name}`, store])
    return store
  }
  try {
    const roleLogs: Partial<Record<Role, Log>> = {}
    for (const role of roles) {
      const roleLog = await openRoleLog?.(role)
      if (roleLog === undefined) continue
      opened.push([`log of ${role}`, roleLog])
      roleLogs[role] = roleLog
    }
    const sequencerStore = await cache('sequencer', 'index')
    const dreStore = await cache('dre', 'states')
    const cores = availableParallelism()
    const node = await composeNode({
      ...rest,
      genesis: network.genesis,
      log,
      roleLogs,
      ...(sequencerStore && { sequencerStore }),
      ...(dreStore && { dreStore }),
      ...(ticker && { tickerKey: newTickerKey() }),
      evaluatorWorkers: evaluatorWorkers ?? cores,
      verifierThreads: verifierThreads ?? cores,
    })
    return {
      ...node,
      log,
      unfinished: () => [...node.unfinished(), ...(under.name === undefined ? [] : [under.name])],
      async close() {
        try {
          await node.close()
        } finally {
          await closeAll()
        }
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}
