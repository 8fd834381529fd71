// The index of ordered wallet messages with the view and the log position it belongs to (R3): one
// transaction, so it is never older or newer than its view. Rebuildable from the log.
//
// Keys, under the partition's prefix: `v` the view, `i/<id>` the place,
// `x/<expires, 16 digits>/<id>` for forgetting.

import type { View } from '../protocol/accept.ts'
import type { Entry } from '../protocol/entry.ts'
import { asBuffer, EMPTY, fromBase64Url, toBase64Url } from '../std/bytes.ts'
import type { Store, StoreOp } from '../store/port.ts'
import type { Place } from './core.ts'

/** A settled place in a log partition. */
export type Position = {
  readonly view: View
  /** The offset to read on from. */
  readonly next: number
  /** Offset of the record that carries `view.hash`; undefined before the first entry. */
  readonly at: number | undefined
}

const FORGET_MAX = 1_000

export class IdIndex {
  readonly #store: Store
  readonly #prefix: string
  readonly #idGraceMs: number
  /** Places whose write is under way. */
  readonly #recent = new Map<string, Place>()
  #writes: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  /** True while an unclear append is resolved: ids past their expiry are kept (Q3). */
  keepExpired = false

  /** `idGraceMs`: see SequencerLimits; who only reads needs none. */
  constructor(store: Store, partition: number, idGraceMs = 0) {
    this.#store = store
    this.#idGraceMs = idGraceMs
    this.#prefix = `s${partition.toString(16).padStart(4, '0')}/`
  }

  /** Where it stands; undefined before the first entry: nothing ties it to a network then. */
  load(): (Position & { readonly at: number }) | undefined {
    const bytes = this.#store.get(`${this.#prefix}v`)
    if (bytes === undefined) return undefined
    const { next, at, view } = JSON.parse(asBuffer(bytes).toString()) as SavedPosition
    if (at === undefined) return undefined
    return { view: { ...view, hash: fromBase64Url(view.hash) }, next, at }
  }

  /** Throws what a write failed with: an index that lacks a write must not be asked. */
  find(id: string): Place | undefined {
    if (this.#failure !== undefined) throw this.#failure
    const recent = this.#recent.get(id)
    if (recent !== undefined) return recent
    const bytes = this.#store.get(`${this.#prefix}i/${id}`)
    return bytes === undefined ? undefined : decodePlace(asBuffer(bytes))
  }

  /** Resolves when everything recorded so far is written; rejects if a write failed. */
  written(): Promise<void> {
    return this.#writes
  }

  /** Takes settled entries in at once (`find` sees them); they are written behind the caller. */
  record(entries: readonly Entry[], position: Position): void {
    const write = this.#write(entries, position)
    this.#writes = Promise.all([this.#writes, write]).then(() => undefined)
    this.#writes.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
    })
  }

  async #write(entries: readonly Entry[], position: Position): Promise<void> {
    const ops: StoreOp[] = []
    for (const entry of entries) {
      const { message } = entry
      if (message.origin !== undefined) continue
      this.#recent.set(message.id, entry)
      ops.push({ key: `${this.#prefix}i/${message.id}`, value: encodePlace(entry) })
      if (message.expires !== undefined) {
        ops.push({ key: this.#expiryKey(message.expires, message.id), value: EMPTY })
      }
    }
    const { view, next, at } = position
    const saved = { view: { ...view, hash: toBase64Url(view.hash) }, next, at }
    ops.push({ key: `${this.#prefix}v`, value: Buffer.from(JSON.stringify(saved)) })
    if (!this.keepExpired) this.#forget(view.timestamp - this.#idGraceMs, ops)
    await this.#store.write(ops)
    for (const entry of entries) {
      if (this.#recent.get(entry.message.id) === entry) this.#recent.delete(entry.message.id)
    }
  }

  /**
   * A message past its own `Expires` is refused for that: its id need not be kept (R3); but one
   * that has its place must not be refused for it, so ids outlive their expiry by a grace.
   */
  #forget(time: number, ops: StoreOp[]): void {
    if (time < 0) return
    const from = `${this.#prefix}x/`
    const to = this.#expiryKey(time, '')
    if (to <= from) return
    for (const { key } of this.#store.range({ from, to, limit: FORGET_MAX })) {
      const id = key.slice(key.lastIndexOf('/') + 1)
      ops.push({ key, value: null }, { key: `${this.#prefix}i/${id}`, value: null })
    }
  }

  #expiryKey(expires: number, id: string): string {
    return `${this.#prefix}x/${expires.toString().padStart(16, '0')}/${id}`
  }
}

type SavedPosition = Omit<Position, 'view'> & {
  readonly view: Omit<View, 'hash'> & { hash: string }
}

/** u48 height · u48 timestamp · 32 bytes of hash. */
function encodePlace(place: Place): Buffer {
  const bytes = Buffer.allocUnsafe(44)
  bytes.writeUIntBE(place.height, 0, 6)
  bytes.writeUIntBE(place.timestamp, 6, 6)
  asBuffer(place.hash).copy(bytes, 12)
  return bytes
}

function decodePlace(bytes: Buffer): Place {
  return {
    height: bytes.readUIntBE(0, 6),
    timestamp: bytes.readUIntBE(6, 6),
    hash: bytes.subarray(12, 44),
  }
}
