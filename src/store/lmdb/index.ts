// The LMDB store: one file in a directory of its own.
// Owner: one OS process per directory (lock file); whoever opened it closes it.
//
// Invariants: S1 to S4. With `durable`, LMDB's own commit (see src/log/embedded/log-file.ts).
// Without, nothing is synced: the file survives a crash of the OS process, but a power loss may
// tear it. So the boot that wrote it is noted beside it, and what another boot left without closing
// is thrown away: its owner rebuilds it from the log.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'
import { asBuffer } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { checkKey } from '../keys.ts'
import type { RangeOptions, Store, StoreOp } from '../port.ts'
import { commitBatch } from './commit-batch.ts'
import { inspectDataFile, syncDirectory } from './data-file.ts'
import { bootId, lockDirectory } from './dir-lock.ts'

export type LmdbStoreOptions = {
  /** Created where missing; holds nothing else. */
  readonly dir: string
  /** True: a resolved write survives power loss. False: everything in it can be rebuilt. */
  readonly durable: boolean
}

type Entry = { readonly key: string; readonly value: Uint8Array }

const MAP_BYTES = 4_294_967_296
const UNSYNCED = 'hb-unsynced'
/** Entries that a range holds in memory at once. */
const RANGE_SLICE = 256

/** Errors: `store-locked` (says who holds it), `store-file-corrupt`. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { dir, durable } = options
  mkdirSync(dir, { recursive: true })
  const lock = lockDirectory(dir)
  if ('holder' in lock) {
    const { pid, host } = lock.holder
    throw new HbError('store-locked', `${dir} is held by pid ${pid} on ${host}`)
  }
  try {
    if (!durable) discardTorn(dir)
    const file = inspectDataFile(join(dir, 'data.mdb'))
    if (file.kind === 'foreign' || file.kind === 'short') {
      throw new HbError('store-file-corrupt', `${dir}: the data file is ${file.kind}`)
    }
    if (!durable) writeFileSync(join(dir, UNSYNCED), bootId())
    const db = openDatabase(dir, durable)
    if (durable) syncDirectory(dir)
    return new LmdbStore(db, dir, durable, lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Removes what an earlier boot wrote and never synced. */
function discardTorn(dir: string): void {
  const marker = join(dir, UNSYNCED)
  if (!existsSync(marker)) return
  const boot = readFileSync(marker, 'utf8')
  if (boot !== '' && boot === bootId()) return
  rmSync(join(dir, 'data.mdb'), { force: true })
  rmSync(join(dir, 'lock.mdb'), { force: true })
}

function openDatabase(dir: string, durable: boolean): RootDatabase<Buffer, Buffer> {
  const options: RootDatabaseOptionsWithPath & { txnStartThreshold: number } = {
    path: dir,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    noSync: !durable,
    eventTurnBatching: false,
    txnStartThreshold: 1,
    mapSize: MAP_BYTES,
  }
  return open<Buffer, Buffer>(options)
}

class LmdbStore implements Store {
  readonly #db: RootDatabase<Buffer, Buffer>
  readonly #dir: string
  readonly #durable: boolean
  readonly #release: () => void
  #stale = false
  #closed: Promise<void> | undefined

  /** Writes of this turn, not durable ones. */
  readonly #waiting: {
    readonly ops: readonly StoreOp[]
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }[] = []

  constructor(
    db: RootDatabase<Buffer, Buffer>,
    dir: string,
    durable: boolean,
    release: () => void,
  ) {
    this.#db = db
    this.#dir = dir
    this.#durable = durable
    this.#release = release
  }

  get(key: string): Uint8Array | undefined {
    this.#checkOpen()
    checkKey(key)
    this.#refresh()
    return this.#db.getBinary(Buffer.from(key))
  }

  /** Each slice is read as of when it is reached; keys written meanwhile may or may not show. */
  *range(options: RangeOptions): Generator<Entry> {
    let from: Buffer = Buffer.from(options.from)
    let to: Buffer = Buffer.from(options.to)
    const reverse = options.reverse === true
    for (let left = options.limit ?? Infinity; left > 0;) {
      const entries = this.#slice(from, to, reverse, Math.min(left, RANGE_SLICE))
      for (const { key, value } of entries) yield { key: key.toString(), value }
      const last = entries[entries.length - 1]
      if (last === undefined || entries.length < RANGE_SLICE) return
      left -= entries.length
      if (reverse) to = last.key
      else from = Buffer.concat([last.key, Buffer.alloc(1)])
    }
  }

  async write(ops: readonly StoreOp[]): Promise<void> {
    this.#checkOpen()
    for (const { key } of ops) checkKey(key)
    if (ops.length === 0) return
    if (!this.#durable) return this.#queue(ops)
    try {
      await commitBatch(this.#db, () => this.#put(ops))
    } finally {
      this.#stale = true
    }
  }

  /**
   * Without a sync, a transaction takes less of this thread's time than handing it to the write
   * thread does (16 puts: 21 µs, not 80), and none of the way there and back. It is done behind
   * what is ready to run, for all writes of this turn together: nobody waits for a cache.
   */
  #queue(ops: readonly StoreOp[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ops, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    const writes = this.#waiting.splice(0)
    if (writes.length === 0) return
    this.#stale = true
    try {
      this.#db.transactionSync(() => {
        for (const { ops } of writes) this.#put(ops)
      })
      for (const { resolve } of writes) resolve()
    } catch (error) {
      for (const { reject } of writes) reject(error)
    }
  }

  /** The write thread reads values after this call, and so they must be copied for it. */
  #put(ops: readonly StoreOp[]): void {
    for (const { key, value } of ops) {
      if (value === null) void this.#db.remove(Buffer.from(key))
      else {
        const bytes = this.#durable ? Buffer.from(value) : asBuffer(value)
        void this.#db.put(Buffer.from(key), bytes)
      }
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#flush()
    await this.#db.close()
    if (!this.#durable) this.#markSynced()
    this.#release()
  }

  #markSynced(): void {
    writeFileSync(join(this.#dir, 'data.mdb'), '', { flag: 'a', flush: true })
    syncDirectory(this.#dir)
    rmSync(join(this.#dir, UNSYNCED), { force: true })
  }

  #slice(
    from: Buffer,
    to: Buffer,
    reverse: boolean,
    limit: number,
  ): { key: Buffer; value: Buffer }[] {
    this.#checkOpen()
    this.#refresh()
    if (Buffer.compare(from, to) >= 0) return []
    // Upward, `start` is inclusive and `end` is not, as wanted. Downward it is the same with the
    // ends exchanged, so the upper bound is taken out and the lower one put in by hand.
    const keys = reverse
      ? this.#db.getKeys({ start: to, end: from, reverse, limit: limit + 1 })
      : this.#db.getKeys({ start: from, end: to, limit })
    const found: Buffer[] = [...keys].map((key) => Buffer.from(key))
    if (reverse) {
      if (found[0]?.equals(to) === true) found.shift()
      if (found.length < limit && this.#db.getBinary(from) !== undefined) {
        if (found[found.length - 1]?.equals(from) !== true) found.push(from)
      }
      found.length = Math.min(found.length, limit)
    }
    return found.map((key) => ({ key, value: this.#db.getBinary(key) as Buffer }))
  }

  /** A read after a write resolved must not see the snapshot of before. */
  #refresh(): void {
    if (!this.#stale) return
    this.#stale = false
    this.#db.resetReadTxn()
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new HbError('store-closed')
  }
}

// what the embedded log stands on as well
export { commitBatch } from './commit-batch.ts'
export { inspectDataFile, padDataFile, syncDirectory } from './data-file.ts'
export type { DataFile } from './data-file.ts'
export { lockDirectory } from './dir-lock.ts'
export type { LockHolder, LockOutcome } from './dir-lock.ts'
