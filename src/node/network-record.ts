// What network the topics of an application id are of: every node that starts on brokers agrees on
// it by way of the registry, before anything else is done.
//
// Invariants: G1 the first record (lowest offset) that is not removed is the network, for all
// alike. G2 a record is written only where there is none, so that compaction, which keeps the
// newest of a key, does not move the first one back behind another. G3 whoever sees one that is not
// the first removes it: its own, and that of a node that did not get to it. G4 a node whose own
// genesis is another one is refused, and nothing of it stays.

import type { Log, StoredRecord } from '../log/port.ts'
import { Records } from '../protocol/codec/records.ts'
import { isSameGeneration, namedGeneration } from '../protocol/generations.ts'
import type { Genesis, Network } from '../protocol/genesis.ts'
import { openNetwork } from '../protocol/genesis.ts'
import { topicNames, topicSpecs } from '../protocol/topics.ts'
import { asBuffer } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import { systemClock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { parseJson } from '../std/json-text.ts'

export type NetworkChoice = {
  readonly log: Log
  readonly applicationId: string
  readonly clock: Clock
  /** The node's own genesis; undefined: whatever the topics are of. */
  readonly own: Network | undefined
  /** A new one, where there is none and the node has none. */
  readonly make: () => Promise<Network>
}

const KEY = 'genesis/'
const TRIES = 20
const RETRY_MS = 50
const RETRY_MS_MAX = 1_000
const READ_WAIT_MS = 1_000

/** Errors: `genesis-mismatch`, `genesis-malformed`, those of the log. */
export async function agreeOnNetwork(choice: NetworkChoice): Promise<Network> {
  const { log, applicationId, own, make } = choice
  const topic = topicNames(applicationId).registry
  // its form is the same for every network
  const spec = topicSpecs(topicNames(applicationId), 1).filter(({ name }) => name === topic)
  await log.provision(spec)
  const registry = new NetworkRegistry(choice, topic)
  let found = await registry.networks()
  if (found.length === 0) {
    const written = await registry.write(own ?? (await make()))
    found = await registry.networks(written + 1)
  }
  const [first, ...others] = found
  if (first === undefined) throw new HbError('genesis-malformed', `${topic} lost what was written`)
  for (const other of others) await registry.remove(other)
  const network = registry.network(first)
  if (own !== undefined && !isSameGeneration(own, network)) {
    const [is, other] = [network, own].map(namedGeneration)
    throw new HbError('genesis-mismatch', `${topic} is of ${is}, not of ${other}`)
  }
  return network
}

/**
 * What network the topics are of, only looked at. Errors: `network-unknown`, `genesis-malformed`,
 * those of the log.
 */
export async function recordedNetwork(log: Log, applicationId: string): Promise<Network> {
  const topic = topicNames(applicationId).registry
  const registry = new NetworkRegistry({ log, clock: systemClock }, topic)
  const [first] = await registry.networks().catch((error: unknown) => {
    if (isHbError(error, 'log-topic-unknown')) return []
    throw error
  })
  if (first === undefined) throw new HbError('network-unknown', `${topic} names none`)
  return registry.network(first)
}

class NetworkRegistry {
  readonly #choice: Pick<NetworkChoice, 'log' | 'clock'>
  readonly #topic: string
  readonly #records = new Records()
  readonly #documents = new Map<string, Uint8Array>()

  constructor(choice: Pick<NetworkChoice, 'log' | 'clock'>, topic: string) {
    this.#choice = choice
    this.#topic = topic
  }

  /** Ids in the order of their records. `upTo`: an offset that was written: an end may be old. */
  async networks(upTo = 0): Promise<string[]> {
    const { log } = this.#choice
    const { start, end } = (await log.ends(this.#topic))[0] ?? { start: 0, end: 0 }
    const to = Math.max(end, upTo)
    const found: string[] = []
    for (let from = start; from < to; ) {
      const read = await log.read(this.#topic, 0, from, { to, waitMs: READ_WAIT_MS })
      for (const record of read.records) this.#note(record, found)
      if (read.records.length === 0 && read.next === from) break
      from = read.next
    }
    return found
  }

  network(id: string): Network {
    const document = this.#documents.get(id)
    if (document === undefined) throw new HbError('genesis-malformed', `${this.#topic}: ${id}`)
    let genesis: unknown
    try {
      genesis = parseJson(Buffer.from(document).toString())
    } catch {
      throw new HbError('genesis-malformed', `${this.#topic}: ${id} is no JSON`)
    }
    const network = openNetwork(genesis as Genesis)
    if (network.id === id) return network
    throw new HbError('genesis-malformed', `${this.#topic}: ${id} is really ${network.id}`)
  }

  /** The offset of the record. Written twice is the same as once: the key is the network's. */
  async write(network: Network): Promise<number> {
    const genesis = Buffer.from(JSON.stringify(network.genesis))
    const value = this.#records.network.encode({ network: network.id, genesis })
    return this.#append(network.id, value)
  }

  async remove(id: string): Promise<void> {
    await this.#append(id, null)
  }

  #note({ key, value }: StoredRecord, found: string[]): void {
    if (key === null || !key.startsWith(KEY)) return
    const id = key.slice(KEY.length)
    const at = found.indexOf(id)
    if (value === null) {
      if (at >= 0) found.splice(at, 1)
      return
    }
    if (at >= 0 || !this.#records.network.matches(value)) return
    found.push(id)
    this.#documents.set(id, this.#records.network.decode(asBuffer(value)).genesis)
  }

  async #append(id: string, value: Uint8Array | null): Promise<number> {
    const { log, clock } = this.#choice
    for (let tried = 1, delayMs = RETRY_MS; ; tried++, delayMs *= 2) {
      try {
        return await log.append(this.#topic, 0, [{ key: `${KEY}${id}`, value }])
      } catch (error) {
        const again =
          isHbError(error, 'log-append-refused') || isHbError(error, 'log-append-unclear')
        if (!again || tried === TRIES) throw error
        await clock.sleep(Math.min(delayMs, RETRY_MS_MAX))
      }
    }
  }
}
