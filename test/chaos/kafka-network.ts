// The network under chaos: brokers on JVMs, and `hb start` as many OS processes on them.
//
// Invariants: W1 whatever ends this OS process ends all of theirs (watchdogs). W2 `targets` are all
// that faults may hit: the members by name, and the brokers.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../src/client/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { KafkaCluster } from '../support/jvm-kafka.ts'
import { startKafkaCluster } from '../support/jvm-kafka.ts'
import type { Watchdog } from '../support/watchdog.ts'
import { startWatchdog } from '../support/watchdog.ts'
import type { ChaosNetwork } from './chaos-network.ts'
import type { Target } from './faults.ts'
import { NodeProcess } from './node-process.ts'
import type { Role } from './schedule.ts'

export const APPLICATION_ID = 'chaos'

/** How many members of each role. */
const MEMBERS = { sequencer: 2, dre: 3, relayer: 2 } as const
const STANDBYS = '1'
const BROKERS = 3
/** The brokers' own session timeout, and some time for the leaders to move. */
const BROKER_MOVED_MS = 8_000

export type KafkaNetworkOptions = {
  readonly chaos: ChaosNetwork
  /** Nodes' logs and configuration stay here; their data is in `data`, and goes. */
  readonly dir: string
  readonly sessionTimeoutMs: number
  readonly openLog: (bootstrapServers: string) => Promise<Log>
  /** What the nodes run; default: the sources. */
  readonly program?: string
}

export class KafkaNetwork {
  readonly #cluster: KafkaCluster
  readonly #watchdog: Watchdog
  readonly log: Log
  readonly nodes: readonly NodeProcess[]
  readonly targets: readonly Target[]

  private constructor(
    cluster: KafkaCluster,
    watchdog: Watchdog,
    log: Log,
    members: readonly Member[],
  ) {
    this.#cluster = cluster
    this.#watchdog = watchdog
    this.log = log
    this.nodes = members.map(({ node }) => node)
    const brokers = cluster.brokers.map(({ id }) => brokerTarget(cluster, id))
    this.targets = [...members.map((member) => memberTarget(member, log)), ...brokers]
  }

  /** Resolves when every node serves. */
  static async start(options: KafkaNetworkOptions): Promise<KafkaNetwork> {
    const { dir, openLog } = options
    const cluster = await startKafkaCluster({ brokers: BROKERS })
    const dataDir = join(dir, 'data')
    await mkdir(dataDir, { recursive: true })
    const watchdog = startWatchdog(dataDir)
    try {
      const members = await placeMembers(options, cluster.bootstrapServers, watchdog)
      const log = await openLog(cluster.bootstrapServers)
      const network = new KafkaNetwork(cluster, watchdog, log, members)
      // the first one makes the topics
      await network.nodes[0]?.start()
      await Promise.all(network.nodes.slice(1).map((node) => node.start()))
      return network
    } catch (error) {
      await watchdog.close()
      await cluster.close()
      throw error
    }
  }

  clients(): Client[] {
    return this.nodes.flatMap(({ client }) => client ?? [])
  }

  /** What went wrong with nodes: ends that nobody asked for, and partitions that halted. */
  async problems(): Promise<string[]> {
    const problems: string[] = []
    for (const node of this.nodes) {
      problems.push(...node.problems)
      for (const line of await node.halts()) problems.push(`${node.name} ${line}`)
    }
    return problems
  }

  /** What the brokers wrote goes to `dir`, for whoever looks for a reason. */
  async keepBrokerLogs(dir: string): Promise<void> {
    for (const { id } of this.#cluster.brokers) {
      await writeFile(join(dir, `broker-${id}.log`), await this.#cluster.log(id))
    }
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.kill()
    await this.log.close()
    await this.#watchdog.close()
    await this.#cluster.close()
  }
}

type Member = { readonly node: NodeProcess; readonly role: Exclude<Role, 'broker'> }

async function placeMembers(
  { chaos, dir, sessionTimeoutMs, program }: KafkaNetworkOptions,
  bootstrapServers: string,
  watchdog: Watchdog,
): Promise<Member[]> {
  const { network } = chaos
  const genesis = join(dir, 'genesis.json')
  const properties = join(dir, 'client.properties')
  await writeFile(genesis, JSON.stringify(network.genesis))
  await writeFile(properties, `session.timeout.ms=${sessionTimeoutMs}\n`)
  const shared = ['--bootstrap-server', bootstrapServers, '--command-config', properties]
  shared.push('--genesis', genesis, '--application-id', APPLICATION_ID)
  const roles = Object.keys(MEMBERS) as (keyof typeof MEMBERS)[]
  return roles.flatMap((role) =>
    Array.from({ length: MEMBERS[role] }, (_, n): Member => {
      const name = `${role}-${n}`
      const standby = role === 'dre' ? ['--standby', STANDBYS] : []
      const args = [...shared, '--roles', role, ...standby]
      const dataDir = join(dir, 'data', name)
      const logFile = join(dir, `${name}.log`)
      const own = { name, network: network.id, args, dataDir, logFile, watchdog }
      const node = new NodeProcess({ ...own, ...(program !== undefined && { program }) })
      return { node, role }
    }),
  )
}

function memberTarget({ node, role }: Member, log: Log): Target {
  return {
    name: node.name,
    role,
    kill: () => node.kill(),
    stop: () => node.stop(),
    freeze: () => node.freeze(),
    thaw: () => node.thaw(),
    clear: () => node.clear(),
    start: () => node.start(),
    moved: async () => {
      const members = await log.members(`${APPLICATION_ID}.${role}`)
      const own = members.filter(({ address }) => address === node.url)
      const others = members.filter(({ address }) => address !== node.url)
      const hasSome = (list: typeof members): boolean =>
        list.some(({ partitions }) => partitions.length > 0)
      return hasSome(others) && !hasSome(own)
    },
  }
}

function brokerTarget(cluster: KafkaCluster, id: number): Target {
  let frozenAt = 0
  return {
    name: `broker-${id}`,
    role: 'broker',
    kill: () => cluster.kill(id),
    stop: () => cluster.stop(id),
    freeze: () => {
      frozenAt = performance.now()
      cluster.freeze(id)
    },
    thaw: () => cluster.thaw(id),
    clear: () => Promise.reject(new Error('a broker keeps its disk')),
    start: () => cluster.start(id),
    moved: async () => performance.now() - frozenAt > BROKER_MOVED_MS,
  }
}
