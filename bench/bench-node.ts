// Networks and nodes for benchmarks: pairs of processes that play ping-pong, all roles on the
// embedded log in a directory of its own. Owners: whoever opens a node closes it.

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleContract, generateWallet, messageFields } from '../src/client/index.ts'
import type { Wallet } from '../src/client/index.ts'
import { openEmbeddedLog } from '../src/log/embedded/index.ts'
import type { Log } from '../src/log/port.ts'
import type { RunningNode } from '../src/node/index.ts'
import { composeNode } from '../src/node/index.ts'
import type { GenesisOptions, GenesisProcess, Network } from '../src/protocol/genesis.ts'
import { genesisProcessId, grindNonce, makeGenesis, openNetwork } from '../src/protocol/genesis.ts'
import { SANDBOX } from '../src/runtime/index.ts'
import { openLmdbStore } from '../src/store/lmdb/index.ts'

/** As `hb start` makes a development network. */
export const PARTITIONS = 4
/** A ball must not run out of hops. */
const FOR_EVER = 1_000_000_000_000
const SALT = 'bench'

/** `stop` ends the roles and leaves the log open; `close` removes everything. */
export type BenchNode = Omit<RunningNode, 'dre' | 'relayer' | 'evaluator'> & {
  readonly dre: NonNullable<RunningNode['dre']>
  readonly relayer: NonNullable<RunningNode['relayer']>
  readonly evaluator: NonNullable<RunningNode['evaluator']>
  readonly log: Log
  readonly directory: string
  stop(): Promise<void>
}

export async function contractSource(name: string): Promise<string> {
  const file = fileURLToPath(new URL(`./contracts/${name}.ts`, import.meta.url))
  return (await bundleContract(file)).source
}

export function benchNetwork(
  processes: NonNullable<GenesisOptions['processes']>,
  intervalLength?: number,
): Network {
  const limits = {
    hopsMax: FOR_EVER,
    countMax: FOR_EVER,
    hopsDefault: FOR_EVER,
    countDefault: FOR_EVER,
  }
  return openNetwork(
    makeGenesis({
      name: 'bench',
      salt: SALT,
      partitions: PARTITIONS,
      sandbox: SANDBOX,
      limits,
      processes,
      ...(intervalLength !== undefined && { intervalLength }),
    }),
  )
}

/** Nonce and id of a process that lies in the partition. */
export function placed(name: string, partition: number): { nonce: number; id: string } {
  const nonce = grindNonce(SALT, name, partition, PARTITIONS)
  return { nonce, id: genesisProcessId(SALT, name, nonce) }
}

/** Of the processes with a part in pairs: who gets the first ball, and who plays with whom. */
export type PingPong = {
  readonly network: Network
  readonly first: readonly string[]
  /** Process → its pair. */
  readonly pairOf: ReadonlyMap<string, number>
}

/** Pair i plays between the partitions i and i + 1. `others`: processes besides. */
export async function pingPongNetwork(
  pairs: number,
  others: readonly GenesisProcess[] = [],
): Promise<PingPong> {
  const source = await contractSource('ping-pong')
  const first: string[] = []
  const pairOf = new Map<string, number>()
  const processes = Array.from({ length: pairs }, (_, i): GenesisProcess[] => {
    const names = [`ping-${i}`, `pong-${i}`] as const
    const ping = placed(names[0], i % PARTITIONS)
    const pong = placed(names[1], (i + 1) % PARTITIONS)
    first.push(ping.id)
    pairOf.set(ping.id, i).set(pong.id, i)
    const player = (name: string, nonce: number, peer: string): GenesisProcess => {
      return { name, nonce, engine: 'quickjs', source, state: { peer, turns: 0 } }
    }
    return [player(names[0], ping.nonce, pong.id), player(names[1], pong.nonce, ping.id)]
  })
  return { network: benchNetwork([...processes.flat(), ...others]), first, pairOf }
}

/** `watch`: gives what the roles see as the log. Closing the node removes its directory. */
export async function openBenchNode(
  network: Network,
  watch: (log: Log) => Log = (log) => log,
): Promise<BenchNode> {
  const directory = await temporaryDirectory()
  const log = await openEmbeddedLog({ dir: join(directory, 'log') })
  const store = (name: string) => openLmdbStore({ dir: join(directory, name), durable: false })
  const sequencerStore = await store('index')
  const dreStore = await store('states')
  const cores = availableParallelism()
  const node = await composeNode({
    genesis: network.genesis,
    log: watch(log),
    sequencerStore,
    dreStore,
    evaluatorWorkers: cores,
    verifierThreads: cores,
    onHalted: (role, partition, error) => {
      throw new Error(`${role} halted in partition ${partition}`, { cause: error })
    },
  })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= node.close())
  const close = async (): Promise<void> => {
    await stop()
    for (const each of [log, sequencerStore, dreStore]) await each.close()
    await rm(directory, { recursive: true })
  }
  const { dre, relayer, evaluator } = node
  if (dre === undefined || relayer === undefined || evaluator === undefined) {
    throw new Error('a node of a benchmark has all roles')
  }
  return { ...node, dre, relayer, evaluator, log, directory, stop, close }
}

/** Sends one message to each target. */
export async function serve(
  node: Pick<RunningNode, 'api'>,
  network: Network,
  targets: readonly string[],
  wallet?: Wallet,
): Promise<void> {
  const sender = wallet ?? (await generateWallet('ed25519'))
  const place = { network: network.id, generation: 0 }
  const items = targets.map((target) =>
    sender.sign(messageFields(place, { target, action: 'Serve' })),
  )
  for (const answer of await node.api.submit(items)) if ('error' in answer) throw answer.error
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'hb-bench-'))
}
