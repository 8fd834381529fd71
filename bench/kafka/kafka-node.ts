// A node on the brokers that are measured on, in this OS process, on topics of its own and empty
// local stores. Owners: whoever opens a node closes it.

import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { Role, RunningNode } from '../../src/node/index.ts'
import { composeNode } from '../../src/node/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { openLmdbStore } from '../../src/store/lmdb/index.ts'
import { temporaryDirectory } from '../bench-node.ts'
import type { KafkaBench } from './broker.ts'
import { until } from './deadline.ts'

export type KafkaNode = RunningNode & { readonly applicationId: string }

export type KafkaNodeOptions = {
  readonly network: Network
  readonly applicationId: string
  /** Default: all. */
  readonly roles?: readonly Role[]
  /** Gives what the roles see as the log. */
  readonly watch?: (log: Log) => Log
}

/** Resolves when it is ready. Closing it leaves its topics. */
export async function openKafkaNode(
  bench: KafkaBench,
  { network, applicationId, roles, watch = (log) => log }: KafkaNodeOptions,
): Promise<KafkaNode> {
  const directory = await temporaryDirectory()
  const log = await openBenchLog(bench)
  const store = (name: string) => openLmdbStore({ dir: join(directory, name), durable: false })
  const sequencerStore = await store('index')
  const dreStore = await store('states')
  const cores = availableParallelism()
  const node = await composeNode({
    genesis: network.genesis,
    log: watch(log),
    applicationId,
    ...(roles !== undefined && { roles }),
    sequencerStore,
    dreStore,
    evaluatorWorkers: cores,
    verifierThreads: cores,
    onHalted: (role, partition, error) => {
      throw new Error(`${role} halted in partition ${partition}`, { cause: error })
    },
  })
  const close = async (): Promise<void> => {
    await node.close()
    for (const each of [log, sequencerStore, dreStore]) await each.close()
    await rm(directory, { recursive: true })
  }
  await until('ready', () => node.api.health().ready)
  return { ...node, applicationId, close }
}

export function openBenchLog({ bootstrapServers }: KafkaBench): Promise<Log> {
  // what one broker cannot survive is known here
  return openKafkaLog({ bootstrapServers, onWarning: () => undefined })
}
