// For the tests of the models: a log of one partition as a test writes it, outcomes and all. What
// it says of itself is taken as it is, so a test can plant what is wrong.

import type { Entry } from '../../../../src/protocol/entry.ts'
import { genesisHash, NO_AUTHORITY } from '../../../../src/protocol/entry.ts'
import type { Network } from '../../../../src/protocol/genesis.ts'
import type { Content, Message } from '../../../../src/protocol/message.ts'
import type { Outgoing, Result } from '../../../../src/protocol/result.ts'
import type { RefusalFact } from '../../../chaos/checker/facts.ts'
import { idOf, testNetwork } from '../../../protocol/fixtures.ts'
import type { Ending } from '../workload.ts'

export type PlantedMessage = {
  readonly from?: Message['from']
  readonly kind?: Message['kind']
  readonly hops?: number
  readonly count?: number
  readonly expires?: number
  readonly data?: string
}

export type PlantedOutcome = {
  readonly code?: string
  readonly text?: string
  readonly sent?: readonly Pick<Content, 'kind' | 'target' | 'tags' | 'hops' | 'count'>[]
}

export class PlantedLog {
  readonly network: Network = testNetwork({ partitions: 1 })
  readonly entries: Entry[] = []
  readonly results: Result[] = []
  readonly states = new Map<string, string>()
  readonly served = new Map<string, Set<string>>()
  readonly refusals: RefusalFact[] = []
  /** The next entry's, ms. */
  timestamp = 1_000

  /** What came of it is what the test says: `ok` and nothing sent where it says nothing. */
  put(
    process: string,
    caller: string,
    tags: Readonly<Record<string, string>>,
    what: PlantedMessage = {},
    { code = '', text = '', sent = [] }: PlantedOutcome = {},
  ): string {
    const height = this.entries.length
    const { from = 'wallet', kind = 'message', hops = 10, count = 100, expires, data = '' } = what
    const id = idOf(`message ${height}`)
    const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
    const allowance = { hops, count, budget: '0' }
    const digest = Buffer.alloc(32)
    const message: Message = {
      ...{ id, caller, from, process, kind, target: process, tags: list, digest },
      ...allowance,
      data: Buffer.from(data),
      ...(expires !== undefined && { expires }),
    }
    const hash = genesisHash(this.network.id, height)
    const head = { partition: 0, height, prev: hash, admission: NO_AUTHORITY }
    this.entries.push({ ...head, timestamp: this.timestamp, message, hash })
    const messages = sent.map((each): Outgoing => {
      return { ...each, data: Buffer.alloc(0), budget: '0', seq: 0 }
    })
    this.results.push({
      ...{ height, process, code, text, messages, messageId: id, entryHash: hash },
      ...{ slot: 0, gas: 0, stateHash: hash },
      status: code === '' ? 'ok' : 'error',
    })
    return id
  }

  spawn(name: string, source: string, state: object): string {
    const data = JSON.stringify({ source, state })
    this.put(idOf(name), 'genesis', {}, { from: 'genesis', kind: 'spawn', hops: 0, count: 0, data })
    return idOf(name)
  }

  /** What the log evaluates to, and what the nodes serve. */
  state(process: string, state: object): void {
    this.states.set(process, JSON.stringify(state))
    this.served.set(process, new Set([JSON.stringify(state)]))
  }

  get ending(): Ending {
    const { network, entries, results, states, served, refusals } = this
    return { network, partitions: [{ entries, results }], states, served, refusals }
  }
}
