// The nodes of a test network: real ones, in this OS process, with whatever roles a test gives
// them.
//
// Owners: the network starts a set of them and closes it, for good or for a restart. Invariants:
// D1 whatever fails, what was started is closed. D2 with more than one node, or where it is asked
// for, each has an HTTP server on 127.0.0.1: that is how nodes ask one another. D3 a partition that
// halts is remembered, so that whoever waits is told at once.

import type { HttpServer, NodeApi, Role, RunningNode } from '../node/index.ts'
import { composeNode, listenHttp } from '../node/index.ts'
import type { Log } from '../log/port.ts'
import type { Network } from '../protocol/genesis.ts'
import { systemClock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { LogPlace } from './log-place.ts'
import { strictEvaluator } from './strict-evaluator.ts'
import type { TestClock } from './test-clock.ts'
import { testKey } from './test-wallets.ts'

/** Roles per node, e.g. `[['sequencer', 'relayer'], ['dre']]`. */
export type NodeRoles = readonly (readonly Role[])[]

export type Halt = {
  readonly node: number
  readonly role: string
  readonly partition: number
  readonly error: unknown
}

export type TestNodesOptions = {
  readonly network: Network
  readonly log: Log
  readonly place: LogPlace
  readonly clock: TestClock
  readonly applicationId: string
  readonly roles: NodeRoles
  readonly http: boolean
  readonly evaluatorWorkers: number
  readonly strict: boolean
  /** How long all of them may take to be ready, in real time. */
  readonly readyMs: number
}

export const NODES_MAX = 16

const LOOK_AGAIN_MS = 1
/** For requests under way: those of other nodes of the same network, which closes as a whole. */
const CLOSE_GRACE_MS = 200

type TestNode = { readonly node: RunningNode; readonly http: HttpServer | undefined }

export class TestNodes {
  readonly halts: Halt[] = []
  readonly #nodes: TestNode[] = []
  /** Contracts that keep something outside of their state. */
  readonly #kept: HbError[] = []

  private constructor() {}

  /** Resolves when all are ready. Errors: `test-timeout`, `test-network-halted`. */
  static async start(options: TestNodesOptions): Promise<TestNodes> {
    const { roles, readyMs } = options
    if (roles.length === 0 || roles.length > NODES_MAX) {
      const may = `there may be 1 to ${NODES_MAX}`
      throw new HbError('test-options-invalid', `${roles.length} nodes; ${may}`)
    }
    const nodes = new TestNodes()
    try {
      for (const index of roles.keys()) await nodes.#start(options, index)
      await nodes.#ready(readyMs)
      return nodes
    } catch (error) {
      await nodes.close()
      throw error
    }
  }

  /** Of the first node; it finds the others by itself. */
  get api(): NodeApi {
    return (this.#nodes[0] as TestNode).node.api
  }

  get urls(): readonly string[] {
    return this.#nodes.flatMap(({ http }) => (http === undefined ? [] : [http.url]))
  }

  hasRole(role: Role): boolean {
    return this.#nodes.some(({ node }) => node[role] !== undefined)
  }

  /** What one of the nodes knows by itself. */
  async find<T>(ask: (api: NodeApi) => Promise<T | undefined>): Promise<T | undefined> {
    for (const { node } of this.#nodes) {
      const found = await ask(node.api)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The node whose DRE has the partition. */
  serving(partition: number): NodeApi | undefined {
    return this.#nodes
      .map(({ node }) => node.api)
      .find((api) => api.health().partitions[partition]?.dre === 'open')
  }

  /** Throws `test-network-halted` where a partition has halted, `test-state-outside`. */
  check(): void {
    this.checkContracts()
    const [first] = this.halts
    if (first === undefined) return
    const { node, role, partition, error } = first
    const what = isHbError(error) ? `${error.code}: ${error.message}` : String(error)
    const where = `${role} of partition ${partition} at node ${node}`
    throw new HbError('test-network-halted', `${where}: ${what}`, { cause: error })
  }

  /** Throws `test-state-outside`. */
  checkContracts(): void {
    const [kept] = this.#kept
    if (kept !== undefined) throw kept
  }

  async close(): Promise<void> {
    const nodes = this.#nodes.splice(0)
    await Promise.all(nodes.map(async ({ http }) => http?.close()))
    const closed = await Promise.allSettled(nodes.map(({ node }) => node.close()))
    const failed = closed.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  async #start(options: TestNodesOptions, index: number): Promise<void> {
    const { network, log, place, clock, applicationId } = options
    const roles = options.roles[index] as readonly Role[]
    const withHttp = options.http || options.roles.length > 1
    const onError = (error: unknown): void => this.#halted(index, 'http', -1, error)
    const limits = { closeGraceMs: CLOSE_GRACE_MS }
    const http = withHttp ? await listenHttp({ network, onError, limits }) : undefined
    try {
      const { index: sequencerStore, states: dreStore } = await place.caches(index)
      const node = await composeNode({
        genesis: network.genesis,
        log,
        clock,
        applicationId,
        roles,
        sequencerStore,
        dreStore,
        evaluatorWorkers: options.evaluatorWorkers,
        verifierThreads: 0,
        tickerKey: testKey(`ticker of node ${index}`),
        ...(options.strict && {
          watchEvaluator: (inner) => strictEvaluator(inner, (error) => this.#kept.push(error)),
        }),
        ...(http && { address: http.url }),
        onHalted: (role, partition, error) => this.#halted(index, role, partition, error),
      })
      http?.serve(node.api)
      this.#nodes.push({ node, http })
    } catch (error) {
      await http?.close()
      throw error
    }
  }

  #halted(node: number, role: string, partition: number, error: unknown): void {
    this.halts.push({ node, role, partition, error })
  }

  async #ready(readyMs: number): Promise<void> {
    const end = systemClock.now() + readyMs
    for (;;) {
      this.check()
      if (this.#nodes.every(({ node }) => node.api.health().ready)) return
      if (systemClock.now() >= end) {
        throw new HbError('test-timeout', `the nodes are not ready after ${readyMs} ms`)
      }
      await systemClock.sleep(LOOK_AGAIN_MS)
    }
  }
}
