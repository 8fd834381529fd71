// A whole node in this OS process, as a target of faults: on a log that it shares with others, with
// a life that ends in the middle of whatever is under way.

import type { Client } from '../../src/client/index.ts'
import { createClient } from '../../src/client/index.ts'
import type { Log, Membership } from '../../src/log/port.ts'
import type { RunningNode } from '../../src/node/index.ts'
import { composeNode, startHttp } from '../../src/node/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import type { Life } from '../node/mortal.ts'
import { passing } from '../../src/log/passing/index.ts'
import { die, mortalClock, mortalLog, mortalStore, newLife } from '../node/mortal.ts'
import type { Target } from './faults.ts'
import type { Role } from './schedule.ts'

export class InProcessNode implements Target {
  readonly name: string
  /** It plays all roles; faults count it as a DRE. */
  readonly role: Role = 'dre'
  readonly #network: Network
  readonly #log: Log
  #stores = { sequencer: createMemoryStore() as Store, dre: createMemoryStore() as Store }
  #life: Life = newLife()
  #memberships: Membership[] = []
  #node: RunningNode | undefined
  #closeHttp: (() => Promise<void>) | undefined
  readonly halts: string[] = []
  client: Client | undefined

  constructor(name: string, network: Network, log: Log) {
    this.name = name
    this.#network = network
    this.#log = log
  }

  async start(): Promise<void> {
    const life = newLife()
    this.#life = life
    this.#memberships = []
    const log: Log = {
      ...passing(this.#log),
      join: async (options) => {
        const membership = await this.#log.join(options)
        this.#memberships.push(membership)
        return membership
      },
    }
    this.#node = await composeNode({
      genesis: this.#network.genesis,
      log: mortalLog(log, life),
      clock: mortalClock(systemClock, life),
      sequencerStore: mortalStore(this.#stores.sequencer, life),
      dreStore: mortalStore(this.#stores.dre, life),
      evaluatorWorkers: 0,
      verifierThreads: 0,
      limits: { relayer: { stallMs: 500 } },
      onHalted: (role, partition, error) => {
        if (life.alive) this.halts.push(`${role} ${partition}: ${String(error)}`)
      },
    })
    const http = await startHttp({ api: this.#node.api, limits: { closeGraceMs: 20 } })
    this.#closeHttp = http.close
    const options = { busyRetriesMax: 0, brokenRetriesMax: 0, requestTimeoutMs: 3_000 }
    this.client = createClient({ url: http.url, network: this.#network.id, ...options })
  }

  async kill(): Promise<void> {
    this.client = undefined
    await die(this.#life)
    // its groups find out at once
    await Promise.all(this.#memberships.map((membership) => membership.leave()))
    await this.#closeHttp?.()
  }

  async stop(): Promise<void> {
    this.client = undefined
    await this.#closeHttp?.()
    await this.#node?.close()
  }

  async clear(): Promise<void> {
    this.#stores = { sequencer: createMemoryStore(), dre: createMemoryStore() }
  }

  freeze(): void {
    throw new Error('an OS process is not frozen in parts')
  }

  thaw(): void {
    throw new Error('an OS process is not frozen in parts')
  }

  moved(): Promise<boolean> {
    return Promise.resolve(true)
  }
}
