// Where a test network's log is: in memory, in a temporary directory, or on Kafka; and the caches
// of its nodes beside it.
//
// Owners: the network opens one, and closes it last. Invariants: P1 what was made in the file
// system is removed at the end, also where opening failed. P2 on memory the log outlives a restart
// as an object, elsewhere it is closed and opened anew, as a program that starts again does. P3 a
// cache is one node's; it is kept from one start to the next unless it is dropped.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../log/port.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import { HbError } from '../std/errors.ts'
import { createMemoryStore } from '../store/memory/index.ts'
import type { Store } from '../store/port.ts'
import type { TestClock } from './test-clock.ts'

/** What `@testcontainers/kafka` gives when a container is started; nothing of it is imported. */
export type StartedKafka = { getHost(): string; getMappedPort(port: number): number }

export type LogChoice = 'memory' | 'embedded' | StartedKafka | { readonly bootstrapServers: string }

export type LogKind = 'memory' | 'embedded' | 'kafka'

/** KafkaContainer's own, for clients from outside. */
const CONTAINER_PORT = 9093

export type LogPlace = {
  readonly kind: LogKind
  readonly directory: string | undefined
  readonly log: Log
  /** The caches of a node: the sequencer's index and the DRE's states. */
  caches(node: number): Promise<{ readonly index: Store; readonly states: Store }>
  /** Between two starts: with the log and its caches closed and opened anew, or dropped. */
  reopen(options: { readonly dropCaches: boolean }): Promise<void>
  close(): Promise<void>
}

export type PlaceOptions = { readonly choice: LogChoice; readonly clock: TestClock }

/** Errors: `test-options-invalid`, those of opening the log (`log-unreachable`, …). */
export async function openPlace({ choice, clock }: PlaceOptions): Promise<LogPlace> {
  if (choice === 'memory') return memoryPlace(clock)
  const servers = choice === 'embedded' ? undefined : serversOf(choice)
  const directory = await mkdtemp(join(tmpdir(), 'hb-testing-'))
  const open = async (): Promise<Log> => {
    if (servers !== undefined) {
      const { openKafkaLog } = await import('../log/kafka/index.ts')
      // one broker is enough for a test: what it cannot survive need not be said
      return openKafkaLog({ bootstrapServers: servers, onWarning: () => undefined })
    }
    const { openEmbeddedLog } = await import('../log/embedded/index.ts')
    return openEmbeddedLog({ dir: join(directory, 'log'), clock })
  }
  try {
    const kind = servers === undefined ? 'embedded' : 'kafka'
    return new DiskPlace(kind, directory, open, await open())
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

export function kindOf(choice: LogChoice): LogKind {
  if (choice === 'memory' || choice === 'embedded') return choice
  serversOf(choice)
  return 'kafka'
}

function serversOf(choice: Exclude<LogChoice, 'memory' | 'embedded'>): string {
  const given = choice as Partial<StartedKafka & { bootstrapServers: string }> | null
  if (typeof given?.bootstrapServers === 'string') return given.bootstrapServers
  if (typeof given?.getHost === 'function' && typeof given.getMappedPort === 'function') {
    return `${given.getHost()}:${given.getMappedPort(CONTAINER_PORT)}`
  }
  throw new HbError(
    'test-options-invalid',
    "log is 'memory', 'embedded', a started Kafka container, or {bootstrapServers: 'host:port'}",
  )
}

function memoryPlace(clock: TestClock): LogPlace {
  const log = createMemoryLog({ clock })
  const caches = new Map<number, { readonly index: Store; readonly states: Store }>()
  return {
    kind: 'memory',
    directory: undefined,
    log,
    async caches(node) {
      const kept = caches.get(node) ?? { index: createMemoryStore(), states: createMemoryStore() }
      caches.set(node, kept)
      return kept
    },
    async reopen({ dropCaches }) {
      if (dropCaches) caches.clear()
    },
    close: () => log.close(),
  }
}

class DiskPlace implements LogPlace {
  readonly kind: LogKind
  readonly directory: string
  readonly #open: () => Promise<Log>
  readonly #stores = new Map<string, Store>()
  #log: Log

  constructor(kind: LogKind, directory: string, open: () => Promise<Log>, log: Log) {
    this.kind = kind
    this.directory = directory
    this.#open = open
    this.#log = log
  }

  get log(): Log {
    return this.#log
  }

  async caches(node: number): Promise<{ readonly index: Store; readonly states: Store }> {
    const index = await this.#cache(`node-${node}`, 'index')
    return { index, states: await this.#cache(`node-${node}`, 'states') }
  }

  async reopen({ dropCaches }: { readonly dropCaches: boolean }): Promise<void> {
    const nodes = new Set([...this.#stores.keys()].map((name) => name.split('/')[0] as string))
    await this.#closeAll()
    if (dropCaches) {
      for (const node of nodes) {
        await rm(join(this.directory, node), { recursive: true, force: true })
      }
    }
    this.#log = await this.#open()
  }

  async close(): Promise<void> {
    try {
      await this.#closeAll()
    } finally {
      await rm(this.directory, { recursive: true, force: true })
    }
  }

  async #closeAll(): Promise<void> {
    for (const [name, store] of this.#stores) {
      this.#stores.delete(name)
      await store.close()
    }
    await this.#log.close()
  }

  async #cache(node: string, name: string): Promise<Store> {
    const key = `${node}/${name}`
    const open = this.#stores.get(key)
    if (open !== undefined) return open
    const { openLmdbStore } = await import('../store/lmdb/index.ts')
    const store = await openLmdbStore({ dir: join(this.directory, node, name), durable: false })
    this.#stores.set(key, store)
    return store
  }
}
