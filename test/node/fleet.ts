// Several nodes on one log, each with its HTTP server, as OS processes would be; and a way to wait.

import type { Client } from '../../src/client/index.ts'
import { createClient } from '../../src/client/index.ts'
import type { Log } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { NodeOptions, Role, RunningNode } from '../../src/node/index.ts'
import { composeNode, listenHttp } from '../../src/node/index.ts'
import type { HttpServer } from '../../src/node/index.ts'
import type { Genesis, Network } from '../../src/protocol/genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

export type FleetNode = RunningNode & {
  readonly url: string
  readonly http: HttpServer
  readonly client: Client
  /** Ends HTTP, then the roles. */
  stop(): Promise<void>
}

export class Fleet {
  readonly network: Network
  readonly log: Log = createMemoryLog({ drainTimeoutMs: 1_000 })
  readonly #genesis: Genesis
  readonly #nodes = new Set<FleetNode>()

  constructor(genesis: Genesis) {
    this.#genesis = genesis
    this.network = openNetwork(genesis)
  }

  /** Up, and ready if it is alone to be waited for. */
  async start(roles: readonly Role[], options: Partial<NodeOptions> = {}): Promise<FleetNode> {
    const errors: unknown[] = []
    const http = await listenHttp({
      network: this.network,
      onError: (error) => errors.push(error),
      limits: { closeGraceMs: 500 },
    })
    const node = await composeNode({
      genesis: this.#genesis,
      log: this.log,
      roles,
      address: http.url,
      evaluatorWorkers: 0,
      verifierThreads: 0,
      sequencerStore: createMemoryStore(),
      dreStore: createMemoryStore(),
      ...options,
    })
    http.serve(node.api)
    let stopped: Promise<void> | undefined
    const stop = async (): Promise<void> => {
      await http.close()
      await node.close()
      if (errors.length > 0) throw errors[0]
    }
    const client = createClient({ url: http.url, network: this.network.id })
    const running = { ...node, url: http.url, http, client, stop: () => (stopped ??= stop()) }
    this.#nodes.add(running)
    return running
  }

  async ready(): Promise<void> {
    await until(() => [...this.#nodes].every(({ api }) => api.health().ready))
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) await node.stop()
    await this.log.close()
  }

  /** Of a node that was stopped by the test itself. */
  forget(node: FleetNode): void {
    this.#nodes.delete(node)
  }
}

export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${String(what)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
