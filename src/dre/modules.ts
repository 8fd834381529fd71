// Contract sources by their hash: kept locally, and published once in `modules` for readers that start in mid-log (R8).

import type { Records } from '../protocol/codec/records.ts'
import type { EngineName } from '../protocol/genesis.ts'
import type { ModuleText } from '../protocol/transition.ts'
import type { Log } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'

const CACHED_MAX = 256

export class Modules {
  readonly #store: Store
  readonly #records: Records
  readonly #log: Log | undefined
  readonly #topic: string
  readonly #cache = new Map<string, ModuleText>()

  /** Without a log, modules are kept in the store only (a rebuild beside a live network). */
  constructor(store: Store, records: Records, log: Log | undefined, topic: string) {
    this.#store = store
    this.#records = records
    this.#log = log
    this.#topic = topic
  }

  /** Throws `module-unknown`. */
  get(engine: EngineName, hash: string): ModuleText {
    const cached = this.#cache.get(hash)
    if (cached !== undefined) return cached
    const bytes = this.#store.get(`x/${hash}`)
    if (bytes === undefined) throw new HbError('module-unknown', hash)
    const { source } = this.#records.module.decode(asBuffer(bytes))
    return this.#remember({ engine, hash, source })
  }

  /** Resolves when the module can be found again by its hash, here and by others. */
  async publish(module: ModuleText): Promise<void> {
    if (this.#cache.has(module.hash) || this.#store.get(`x/${module.hash}`) !== undefined) return
    this.#remember(module)
    const value = this.#records.module.encode({ engine: module.engine, source: module.source })
    await this.#log?.append(this.#topic, 0, [{ key: module.hash, value }])
    await this.#store.write([{ key: `x/${module.hash}`, value }])
  }

  /** Takes in a module read from the topic. */
  async learn(hash: string, value: Uint8Array): Promise<void> {
    if (this.#store.get(`x/${hash}`) === undefined) {
      await this.#store.write([{ key: `x/${hash}`, value }])
    }
  }

  #remember(module: ModuleText): ModuleText {
    if (this.#cache.size >= CACHED_MAX) {
      const oldest = this.#cache.keys().next()
      if (oldest.done !== true) this.#cache.delete(oldest.value)
    }
    this.#cache.set(module.hash, module)
    return module
  }
}
