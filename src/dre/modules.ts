// Contract sources by their hash: kept locally, and published once in `modules` for readers that
// start in mid-log (R8).
//
// Keys in the store: `x/<hash>` the module; `u/<hash>` of one that a follower kept and that may not
// be published: u32 partition · u48 height of its spawn. Invariant: without the second, what the
// store has is published.

import type { Records } from '../protocol/codec/records.ts'
import type { EngineName } from '../protocol/genesis.ts'
import type { ModuleText } from '../protocol/module-ref.ts'
import { asBuffer, sha256, toBase64Url } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'
import type { AppendAgain } from './append-again.ts'

const CACHED_MAX = 256

/** Puts a module into `modules` where it finds it; true then. */
export type FindModule = (hash: string, modules: Modules) => Promise<boolean>

export class Modules {
  readonly #store: Store
  readonly #records: Records
  readonly #append: AppendAgain | undefined
  readonly #topic: string
  readonly #cache = new Map<string, ModuleText>()
  /** What entries carried that are not written yet. */
  readonly #held = new Map<string, ModuleText>()
  readonly #find: FindModule | undefined

  /**
   * Without `append`, modules are kept in the store only (a rebuild beside a live network). `find`
   * looks for what is not in the store.
   */
  constructor(
    store: Store,
    records: Records,
    append: AppendAgain | undefined,
    topic: string,
    find?: FindModule,
  ) {
    this.#find = find
    this.#store = store
    this.#records = records
    this.#append = append
    this.#topic = topic
  }

  /** Throws `module-missing`. */
  get(engine: EngineName, hash: string): ModuleText {
    const cached = this.#held.get(hash) ?? this.#cache.get(hash)
    // a native module's name may be some script's text: the engine is the process's own
    if (cached !== undefined) return cached.engine === engine ? cached : { ...cached, engine }
    const bytes = this.#store.get(`x/${hash}`)
    if (bytes === undefined) throw new HbError('module-missing', hash)
    const { source } = this.#records.module.decode(asBuffer(bytes))
    return this.#remember({ engine, hash, source })
  }

  /** Of an entry that is about to be evaluated: at hand until `publish` or `keep` has it. */
  hold(module: ModuleText): void {
    if (!this.#cache.has(module.hash) && !this.has(module.hash)) this.#held.set(module.hash, module)
  }

  /** Whether `get` would give it. */
  isAtHand(hash: string): boolean {
    return this.#held.has(hash) || this.#cache.has(hash) || this.has(hash)
  }

  /** Looks elsewhere for what is not at hand. Throws `module-missing`. */
  async fetch(hash: string): Promise<void> {
    if (this.isAtHand(hash)) return
    const found = await this.#find?.(hash, this)
    if (found !== true) throw new HbError('module-missing', hash)
  }

  /** Resolves when the module can be found again by its hash, here and by others. */
  async publish(module: ModuleText): Promise<void> {
    const { hash } = module
    const isKept = this.#store.get(`u/${hash}`) !== undefined
    if (!isKept && this.has(hash)) {
      this.#held.delete(hash)
      return
    }
    const value = this.#records.module.encode({ engine: module.engine, source: module.source })
    await this.#append?.(this.#topic, 0, [{ key: hash, value }])
    await this.#store.write([
      { key: `x/${hash}`, value },
      { key: `u/${hash}`, value: null },
    ])
    this.#held.delete(hash)
    this.#remember(module)
  }

  /** Of a follower: the owner of the partition publishes it, unless it dies before. */
  async keep(module: ModuleText, partition: number, height: number): Promise<void> {
    const { engine, hash, source } = module
    if (this.has(hash)) {
      this.#held.delete(hash)
      return
    }
    const mark = Buffer.alloc(10)
    mark.writeUInt32BE(partition, 0)
    mark.writeUIntBE(height, 4, 6)
    const value = this.#records.module.encode({ engine, source })
    await this.#store.write([
      { key: `x/${hash}`, value },
      { key: `u/${hash}`, value: mark },
    ])
    this.#held.delete(hash)
    this.#remember(module)
  }

  /** Publishes what was kept of a partition, but for spawns below `height`, which its owner did. */
  async publishKept(partition: number, height: number): Promise<void> {
    for (const { key, value } of [...this.#store.range({ from: 'u/', to: 'u/\u007f' })]) {
      const mark = asBuffer(value)
      if (mark.readUInt32BE(0) !== partition) continue
      const hash = key.slice(2)
      const bytes = mark.readUIntBE(4, 6) < height ? undefined : this.#store.get(`x/${hash}`)
      if (bytes !== undefined) await this.#append?.(this.#topic, 0, [{ key: hash, value: bytes }])
      await this.#store.write([{ key, value: null }])
    }
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
