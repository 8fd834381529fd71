// What a machine keeps on its disk: one store per role, which the next life of its host finds.
//
// Invariants: D1 a write is one transaction: a host that dies before it is done leaves nothing of
// it (the last write torn off). D2 what was written survives the end of the OS process; power lost,
// the newest writes that were not synced yet are gone, and what remains is a prefix of the writes.

import type { Store, StoreOp } from '../../../src/store/port.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Host } from './host.ts'
import { MS } from './world.ts'
import type { World } from './world.ts'

const SYNC_US_MAX = 400 * MS

export class Disk {
  readonly #world: World
  #files = new Map<string, StoreFile>()

  constructor(world: World) {
    this.#world = world
  }

  open(file: string, host: Host): Store {
    let opened = this.#files.get(file)
    if (opened === undefined) this.#files.set(file, (opened = new StoreFile(this.#world, file)))
    return opened.store(host)
  }

  /** The machine is off at once; its host must be dead. */
  async losePower(): Promise<void> {
    for (const file of this.#files.values()) await file.losePower()
  }

  /** A new, empty disk. */
  clear(): void {
    this.#files = new Map()
  }
}

class StoreFile {
  readonly #world: World
  readonly #name: string
  readonly #store = createMemoryStore()
  /** Of each write that is not synced: what undoes it. */
  #undo: StoreOp[][] = []
  #syncing = false

  constructor(world: World, name: string) {
    this.#world = world
    this.#name = name
  }

  store(host: Host): Store {
    const gauge = `writes ${this.#name}`
    let pending: StoreOp[] = []
    let done: Promise<void> | undefined
    const flush = (): Promise<void> =>
      new Promise((resolve, reject) => {
        host.calling(() => {
          const takesUs = 30 + this.#world.random('disk').below(300)
          this.#world.after(takesUs, () =>
            host.resume(() => {
              const ops = pending
              host.gauges.fall(gauge, ops.length)
              pending = []
              done = undefined
              this.#apply(ops).then(resolve, reject)
            }),
          )
        })
      })
    return {
      get: (key) => this.#store.get(key),
      range: (options) => this.#store.range(options),
      write: (ops) => {
        pending.push(...ops.map(copied))
        host.gauges.rise(gauge, ops.length)
        return (done ??= flush())
      },
      close: () => Promise.resolve(),
    }
  }

  async losePower(): Promise<void> {
    const random = this.#world.random('disk')
    const lost = random.below(this.#undo.length + 1)
    if (lost > 0) this.#world.saw('power lost with writes not synced')
    const undone = this.#undo.splice(this.#undo.length - lost).reverse()
    for (const ops of undone) await this.#store.write(ops)
    this.#undo = []
  }

  #apply(ops: readonly StoreOp[]): Promise<void> {
    const undo = ops.map(({ key }): StoreOp => ({ key, value: this.#store.get(key) ?? null }))
    // of two writes of one key the first knows what was there before
    this.#undo.push(undo.reverse())
    this.#syncSoon()
    return this.#store.write(ops)
  }

  #syncSoon(): void {
    if (this.#syncing) return
    this.#syncing = true
    this.#world.after(this.#world.random('disk').below(SYNC_US_MAX), () => {
      this.#syncing = false
      this.#undo = []
    })
  }
}

function copied({ key, value }: StoreOp): StoreOp {
  return value === null ? { key, value } : { key, value: Buffer.from(value) }
}

