// Contract sources by their hash: kept locally, and published once in `modules` for readers that
// start in mid-log (R8).

import type { Records } from '../protocol/codec/records.ts'
import type { EngineName } from '../protocol/genesis.ts'
import type { ModuleText } from '../protocol/transition.ts'
import { asBuffer, sha256, toBase64Url } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'
import type { AppendAgain } from './append-again.ts'

const CACHED_MAX = 256

export class Modules {
  readonly #store: Store
  readonly #records: Records
  readonly #append: AppendAgain | undefined
  readonly #topic: string
  readonly #cache = new Map<string, ModuleText>()

  /** Without `append`, modules are kept in the store only (a rebuild beside a live network). */
  constructor(store: Store, records: Records, append: AppendAgain | undefined, topic: string) {
    this.#store = store
    this.#records = records
    this.#append = append
    this.#topic = topic
  }

  /** Throws `module-unknown`. */
  get(engine: EngineName, hash: string): ModuleText {
    const cached = this.#cache.get(hash)
    // a native module's name may be some script's text: the engine is the process's own
    if (cached !== undefined) return cached.engine === engine ? cached : { ...cached, engine }
    const bytes = this.#store.get(`x/${hash}`)
    if (bytes === undefined) throw new HbError('module-unknown', hash)
    const { source } = this.#records.module.decode(asBuffer(bytes))
    return this.#remember({ engine, hash, source })
  }

  /** Resolves when the module can be found again by its hash, here and by others. */
  async publish(module: ModuleText): Promise<void> {
    if (this.#cache.has(module.hash) || this.#store.get(`x/${module.hash}`) !== undefined) return
    const value = this.#records.module.encode({ engine: module.engine, source: module.source })
    await this.#append?.(this.#topic, 0, [{ key: module.hash, value }])
    await this.#store.write([{ key: `x/${module.hash}`, value }])
    this.#remember(module)
  }

  has(hash: string): boolean {
    return this.#store.get(`x/${hash}`) !== undefined
  }

  /** Takes in a module read from the topic, if it is what its hash says. */
  async learn(hash: string, value: Uint8Array): Promise<void> {
    if (this.has(hash) || !this.#isModule(hash, value)) return
    await this.#store.write([{ key: `x/${hash}`, value }])
  }

  #isModule(hash: string, value: Uint8Array): boolean {
    try {
      const { source } = this.#records.module.decode(asBuffer(value))
      return toBase64Url(sha256(Buffer.from(source))) === hash
    } catch (error) {
      if (isHbError(error)) return false
      throw error
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
