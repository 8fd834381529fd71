// Compares what a replay computed with the states that a running node serves.
//
// Invariants: V1 both sides of a comparison are of one slot: a node goes on meanwhile, and where it
// is ahead it is asked for its result of the slot that was replayed last. V2 a state hash that
// differs differs at every later slot too, so the first one is searched for by halves.

import { asBuffer, toBase64Url } from '../std/bytes.ts'
import type { Store, StoreOp } from '../store/port.ts'
import type { Result } from '../protocol/result.ts'
import type { StateText } from '../dre/index.ts'

/** What a node is asked for, however it is reached. */
export type Served = {
  /** The state it serves now; undefined: it has none, or does not serve the process. */
  state(process: string): Promise<ServedState | undefined>
  /** State hash after a slot; undefined: it does not have that result. */
  hashAt(process: string, slot: number): Promise<string | undefined>
}

export type ServedState = {
  readonly slot: number
  readonly stateHash: string
  readonly text: string
}

export type ServedDifference = {
  readonly process: string
  /** The first slot, with its height, whose state differs, as far as the node can tell. */
  readonly slot: number
  readonly height: number
  readonly replayed: string
  readonly served: string
  /** The hashes agree and the texts do not: what the node keeps is damaged. */
  readonly text?: true
}

export type ServedCompared = {
  readonly compared: number
  readonly different: number
  /** Of these the node has nothing to compare with: no such process, or older than the replay. */
  readonly unserved: number
  readonly first?: ServedDifference
}

/** State hashes by slot, kept in a scratch store while a partition is replayed. */
export class SlotHashes {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async note(results: readonly Result[]): Promise<void> {
    const ops: StoreOp[] = []
    for (const { process, slot, height, stateHash } of results) {
      if (slot < 0) continue
      const value = Buffer.alloc(6 + stateHash.length)
      value.writeUIntBE(height, 0, 6)
      value.set(stateHash, 6)
      ops.push({ key: key(process, slot), value })
    }
    await this.#store.write(ops)
  }

  at(process: string, slot: number): { height: number; hash: string } | undefined {
    const bytes = this.#store.get(key(process, slot))
    if (bytes === undefined) return undefined
    const value = asBuffer(bytes)
    return { height: value.readUIntBE(0, 6), hash: toBase64Url(value.subarray(6)) }
  }
}

function key(process: string, slot: number): string {
  return `h/${process}/${slot.toString(16).padStart(12, '0')}`
}

export class ServedCheck {
  readonly #served: Served
  readonly #hashes: SlotHashes
  #compared = 0
  #different = 0
  #unserved = 0
  #first: ServedDifference | undefined

  constructor(served: Served, hashes: SlotHashes) {
    this.#served = served
    this.#hashes = hashes
  }

  /** `own`: where the replay of the process ended, and the state there. */
  async compare(process: string, own: StateText): Promise<void> {
    const served = await this.#served.state(process)
    const there = await this.#there(process, own, served)
    if (there === undefined) {
      this.#unserved += 1
      return
    }
    // what was restored has no hashes by slot
    const last = there.slot === own.slot ? toBase64Url(own.stateHash) : undefined
    const mine = this.#hashes.at(process, there.slot)?.hash ?? last
    if (mine === undefined) {
      this.#unserved += 1
      return
    }
    this.#compared += 1
    if (mine !== there.hash) {
      await this.#differs(process, there.slot)
    } else if (served?.slot === own.slot && served.text !== own.text) {
      this.#different += 1
      const { slot, height } = own
      const [replayed, other] = [own.text, served.text].map((text) => text.slice(0, 200))
      const texts = { replayed: replayed as string, served: other as string, text: true as const }
      this.#first ??= { process, slot, height, ...texts }
    }
  }

  get result(): ServedCompared {
    const counts = {
      compared: this.#compared,
      different: this.#different,
      unserved: this.#unserved,
    }
    return this.#first === undefined ? counts : { ...counts, first: this.#first }
  }

  async #there(
    process: string,
    own: StateText,
    served: ServedState | undefined,
  ): Promise<{ slot: number; hash: string } | undefined> {
    if (served === undefined) return undefined
    const { slot } = own
    if (served.slot <= slot) return { slot: served.slot, hash: served.stateHash }
    const hash = await this.#served.hashAt(process, slot)
    return hash === undefined ? undefined : { slot, hash }
  }

  async #differs(process: string, slot: number): Promise<void> {
    this.#different += 1
    if (this.#first !== undefined) return
    let high = slot
    for (let low = 0; low < high; ) {
      const middle = (low + high) >>> 1
      const mine = this.#hashes.at(process, middle)?.hash
      const theirs = mine && (await this.#served.hashAt(process, middle))
      // what one of the two does not know is taken for the same
      if (theirs === undefined || theirs === mine) low = middle + 1
      else high = middle
    }
    const mine = this.#hashes.at(process, high)
    const theirs = await this.#served.hashAt(process, high)
    const last = (await this.#served.state(process))?.stateHash ?? ''
    const sides = { replayed: mine?.hash ?? '', served: theirs ?? last }
    this.#first = { process, slot: high, height: mine?.height ?? -1, ...sides }
  }
}
