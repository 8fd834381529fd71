// The archive of the simulated network: items that are kept for ever, what is shown of them, and
// what may go wrong between it and a host.
//
// Owners: sinks.ts has one; each host sees it through a port of its own. Invariants: X1 what is
// kept stays, and stays as it was. X2 a call of a dead host has no answer; what it had sent takes
// effect even so. X3 everything is drawn from the archive's own stream, and only while faults are
// on.

import type { Archive, Found, Kept, Prepared, Signer } from '../../../src/archive/index.ts'
import type { Tag } from '../../../src/protocol/ans104/index.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import { HbError } from '../../../src/std/errors.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Host } from '../world/host.ts'
import { MS, SECOND } from '../world/world.ts'
import type { World } from '../world/world.ts'
import type { ArchiveRates } from './plan.ts'

const LATE_US_MAX = 20 * SECOND
const HIDDEN_US_MAX = 15 * SECOND
const SLOW_US_MAX = 3 * SECOND

type Item = { readonly bytes: Buffer; shownAt: number }

export class ArchiveSite {
  readonly #world: World
  readonly #rates: ArchiveRates
  readonly #random: Random
  /** By id, in the order in which they were kept. */
  readonly #items = new Map<string, Item>()
  isOn = true
  /** Called when a post arrives, whatever becomes of it. */
  onPosted: ((host: string, id: string, tags: readonly Tag[]) => void) | undefined
  /** Called when an item is kept that was not there. */
  onKept: ((id: string, tags: readonly Tag[]) => void) | undefined

  constructor(world: World, rates: ArchiveRates) {
    this.#world = world
    this.#rates = rates
    this.#random = world.random('archive')
  }

  /** Everything that is kept is found from now on. */
  heal(): void {
    this.isOn = false
    for (const item of this.#items.values()) item.shownAt = 0
  }

  /** Without a signer it is only read. */
  open(host: Host, signer?: Signer): Archive {
    const signItem: Archive['signItem'] = (fields) => {
      if (signer === undefined) throw new HbError('archive-read-only')
      return signer.sign(fields)
    }
    return {
      address: signer?.address,
      signItem,
      prepare: async ({ tags, data }) => {
        const bytes = signItem({ tags, data })
        return { id: parseDataItem(bytes).id, bytes }
      },
      post: (prepared) => this.#call(host, () => this.#post(host, prepared)),
      find: (tags) => this.#find(host, tags),
      read: (id) => this.#call(host, () => this.#read(id)),
      describe: () => 'simulated archive',
      close: async () => undefined,
    }
  }

  /** `act` runs at the archive when the call has arrived there: what it throws is the answer. */
  #call<T>(host: Host, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      host.calling(() => {
        this.#world.after(this.#wayUs(), () => {
          const answer = attempt(act)
          this.#world.after(this.#wayUs(), () => {
            host.resume(() => ('error' in answer ? reject(answer.error) : resolve(answer.value)))
          })
        })
      })
    })
  }

  #post({ name }: Host, { id, bytes }: Prepared): void {
    this.onPosted?.(name, id, parseDataItem(bytes).tags)
    if (this.#falls('failed')) {
      this.#world.saw('archive: a post failed')
      throw new HbError('archive-write-failed', 'no room')
    }
    if (this.#falls('late')) {
      const copy = Buffer.from(bytes)
      this.#world.after(this.#random.below(LATE_US_MAX), () => this.#keep(id, copy))
      this.#world.saw('archive: a post is kept late')
      throw new HbError('archive-write-failed', 'it took too long')
    }
    this.#keep(id, Buffer.from(bytes))
    if (!this.#falls('unanswered')) return
    this.#world.saw("archive: a post's answer is lost")
    throw new HbError('archive-write-failed', 'no answer')
  }

  #keep(id: string, bytes: Buffer): void {
    if (this.#items.has(id)) return
    const isHidden = this.#falls('hidden')
    if (isHidden) this.#world.saw('archive: an item is not found yet')
    const shownAt = isHidden ? this.#world.now + this.#random.below(HIDDEN_US_MAX) : 0
    this.#items.set(id, { bytes, shownAt })
    this.#world.trace(`the archive keeps ${id}`)
    this.onKept?.(id, parseDataItem(bytes).tags)
  }

  async *#find(host: Host, tags: readonly Tag[]): AsyncGenerator<Found> {
    yield* await this.#call(host, () => {
      this.#failReading()
      return [...this.#items].flatMap(([id, { bytes, shownAt }]): Found[] => {
        const item = parseDataItem(bytes)
        const isWanted = ({ name, value }: Tag): boolean =>
          item.tags.some((tag) => tag.name === name && tag.value === value)
        if (shownAt > this.#world.now || !tags.every(isWanted)) return []
        return [{ id, owner: item.address, tags: item.tags, bytes: bytes.length, place: id }]
      })
    })
  }

  #read(id: string): Kept {
    this.#failReading()
    const kept = this.#items.get(id)
    if (kept === undefined) throw new HbError('archive-absent', id)
    const { address: owner, tags, data } = parseDataItem(kept.bytes)
    return { id, owner, tags, data }
  }

  #failReading(): void {
    if (!this.#falls('unreadable')) return
    this.#world.saw('archive: reading failed')
    throw new HbError('peer-unreachable', 'the archive')
  }

  #wayUs(): number {
    return this.#falls('slow') ? this.#random.below(SLOW_US_MAX) : MS + this.#random.below(20 * MS)
  }

  #falls(kind: keyof ArchiveRates): boolean {
    const rate = this.#rates[kind]
    return this.isOn && rate > 0 && this.#random.float() < rate
  }
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown }

function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { value: act() }
  } catch (error) {
    return { error }
  }
}
