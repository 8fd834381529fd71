// From options to a network that is ready.
//
// Invariant: it resolves when every node is ready and every contract of its genesis has been
// spawned; whatever keeps it from that throws, and leaves nothing behind.

// eslint-disable-next-line no-restricted-imports -- unique among all runs on one broker: no seed
import { randomBytes } from 'node:crypto'
import { agreeOnNetwork, ROLES } from '../node/index.ts'
import type { Network } from '../protocol/genesis.ts'
import type { ProtocolLimits } from '../protocol/limits.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import { FaultyLog } from './log-faults.ts'
import type { LogChoice } from './log-place.ts'
import { kindOf, openPlace } from './log-place.ts'
import type { NetworkParts } from './network.ts'
import { TestNetwork } from './network.ts'
import { createTestClock } from './test-clock.ts'
import type { ContractSpec } from './test-genesis.ts'
import { testGenesis } from './test-genesis.ts'
import type { NodeRoles } from './test-nodes.ts'
import { TestNodes } from './test-nodes.ts'
import type { WalletChoice } from './test-wallets.ts'
import { makeWallets } from './test-wallets.ts'

export type TestNetworkOptions = {
  /** Default `memory`. */
  readonly log?: LogChoice
  /** By name: there from the beginning. */
  readonly contracts?: Readonly<Record<string, ContractSpec>>
  readonly wallets?: WalletChoice
  /** Default 2, so that messages between contracts may cross. At most PARTITIONS_MAX. */
  readonly partitions?: number
  /** Default: one node with all roles. */
  readonly nodes?: NodeRoles
  /** An HTTP server for each node, on 127.0.0.1. Default: only with more than one node. */
  readonly http?: boolean
  /** What `now` is at first, ms since the epoch. Not on Kafka. */
  readonly startTime?: number
  /** How long any wait may take, in real time. Default 10,000; on Kafka 60,000. */
  readonly timeoutMs?: number
  /** Worker threads per node; default 0: contracts run on this thread. */
  readonly evaluatorWorkers?: number
  /**
   * Every message in a sandbox that has seen nothing else, and waits throw `test-state-outside`
   * where a contract keeps something outside of its state. Default false.
   */
  readonly strict?: boolean
  /** Of the protocol, e.g. `{ gasMax: 1_000_000 }`. */
  readonly limits?: Partial<ProtocolLimits>
  /** Heights per interval. */
  readonly intervalLength?: number
  /** Of the HB contract, where there is one, ms. Default 1,000. */
  readonly unbondingMs?: number
  /**
   * The clock, under the name `clock`, and that nodes poke it when an alarm is due. Default: where
   * there is HyperCoin.
   */
  readonly clock?: boolean
  /** Makes the ids of networks with the same names different. */
  readonly salt?: string
  /** Prefix of topics and groups. Default `hb`; on Kafka a new one. */
  readonly applicationId?: string
}

const PARTITIONS = 2
const TIMEOUT_MS = 10_000
const KAFKA_TIMEOUT_MS = 60_000
const UNBONDING_MS = 1_000
const LOOK_AGAIN_MS = 1

/** Errors: `test-options-invalid`, `test-contract-failed`, those of bundling and of the log. */
export async function startNetwork(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const { log: choice = 'memory', startTime } = options
  const kind = kindOf(choice)
  if (kind === 'kafka' && startTime !== undefined) throw new HbError('test-clock-real', 'startTime')
  const named = await makeWallets(options.wallets ?? [])
  const network = await networkOf(options, named)
  const clock = createTestClock(startTime)
  const place = await openPlace({ choice, clock })
  try {
    const applicationId = options.applicationId ?? (kind === 'kafka' ? freshId() : 'hb')
    const log = new FaultyLog(() => place.log, clock, applicationId)
    const timeoutMs = options.timeoutMs ?? (kind === 'kafka' ? KAFKA_TIMEOUT_MS : TIMEOUT_MS)
    const { nodes: roles = [ROLES], http = false, evaluatorWorkers = 0, strict = false } = options
    const common = { network, log, place, clock, applicationId }
    const nodesAre = { http, evaluatorWorkers, strict, readyMs: timeoutMs }
    const startNodes = (each: NodeRoles): Promise<TestNodes> =>
      TestNodes.start({ ...common, ...nodesAre, roles: each })
    const { wallets } = named
    return await begin({ ...common, wallets, roles, timeoutMs, startNodes })
  } catch (error) {
    await place.close()
    throw error
  }
}

async function begin(parts: NetworkParts): Promise<TestNetwork> {
  const { network, log, place, clock, applicationId, roles } = parts
  if (place.kind === 'kafka') {
    const make = (): Promise<Network> => Promise.resolve(network)
    await agreeOnNetwork({ log, applicationId, clock, own: network, make })
  }
  const nodes = await parts.startNodes(roles)
  try {
    if (nodes.hasRole('sequencer') && nodes.hasRole('dre')) await spawned(parts, nodes)
    return new TestNetwork(parts, nodes)
  } catch (error) {
    await nodes.close()
    throw error
  }
}

/** Until every contract of genesis is there; throws where one of them failed. */
async function spawned({ network, timeoutMs }: NetworkParts, nodes: TestNodes): Promise<void> {
  const end = systemClock.now() + timeoutMs
  for (const [name, id] of network.processIds) {
    for (;;) {
      const view = await nodes.find((api) => api.process(id))
      const result = await nodes.find(async (api) => (await api.results(id, 0, 1))[0])
      if (result?.status === 'error') {
        throw new HbError('test-contract-failed', `${name}: ${result.code}: ${result.text}`)
      }
      if (view !== undefined) break
      nodes.check()
      if (systemClock.now() >= end) {
        throw new HbError('test-timeout', `contract ${name} is not spawned after ${timeoutMs} ms`)
      }
      await systemClock.sleep(LOOK_AGAIN_MS)
    }
  }
}

function networkOf(
  options: TestNetworkOptions,
  named: Awaited<ReturnType<typeof makeWallets>>,
): Promise<Network> {
  const { partitions = PARTITIONS, contracts = {}, intervalLength, limits } = options
  return testGenesis({
    name: 'testing',
    salt: options.salt ?? 'testing',
    partitions,
    contracts,
    unbondingMs: options.unbondingMs ?? UNBONDING_MS,
    clock: options.clock ?? named.mint !== undefined,
    ...named,
    ...(intervalLength !== undefined && { intervalLength }),
    ...(limits !== undefined && { limits }),
  })
}

function freshId(): string {
  return `hb-testing-${randomBytes(8).toString('hex')}`
}
