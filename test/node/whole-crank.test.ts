// The whole crank on a memory log: random walks over processes of all partitions while roles die
// and come back.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../src/std/random.ts'
import type { Random } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { faultyLog } from '../log/faulty-log.ts'
import { newLife } from './mortal.ts'
import type { Running } from './rig.ts'
import { Rig, rigNetwork } from './rig.ts'

type Any = Running<{ stop(): Promise<void> }>

const network = rigNetwork(['walk'], { intervalLength: 16 })
const targets = (rig: Rig): string[] => ['walk-0', 'walk-1', 'walk-2'].map((name) => rig.id(name))

/** One role that is killed and started again, at random, in mid-append or between. */
class Phoenix {
  readonly #random: Random
  readonly #begin: (life: ReturnType<typeof newLife>, store: Store) => Promise<Any>
  #store: Store = createMemoryStore()
  #running: Any | undefined
  deaths = 0

  constructor(
    random: Random,
    begin: (life: ReturnType<typeof newLife>, store: Store) => Promise<Any>,
  ) {
    this.#random = random
    this.#begin = begin
  }

  async rise(mortal: boolean): Promise<void> {
    if (this.#random.below(4) === 0) this.#store = createMemoryStore()
    const appends = mortal ? 1 + this.#random.below(25) : Infinity
    const life = newLife(appends, this.#random.below(2) === 0)
    this.#running = await this.#begin(life, this.#store)
  }

  async fall(): Promise<void> {
    const running = this.#running as Any
    if (running.halted.length > 0) throw running.halted[0]?.error
    this.deaths += 1
    await running.kill()
  }

  get dead(): boolean {
    return this.#running?.life.alive !== true
  }
}

describe('the whole crank', () => {
  test('every message is ordered once, evaluated once, and rebuilds alike', async () => {
    const rig = await Rig.open(network)
    const running: Any[] = [await rig.sequencer(), await rig.dre(), await rig.relayer()]
    const to = targets(rig)
    await rig.send(...to.map((target) => rig.item(target, { left: 4, fan: 2, to })))
    await rig.quiet()
    await rig.check()
    const all = await rig.everything()
    // three walks of 1 + 2 + 4 + 8 + 16 messages, and the three spawns of genesis
    expect(all.reduce((sum, { entries }) => sum + entries.length, 0)).toBe(3 + 3 * 31)
    expect(running.flatMap(({ halted }) => halted)).toEqual([])
    await rig.close()
  })

  test('so it is when any role dies at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        const rig = await Rig.open(network)
        const roles = [
          new Phoenix(random, (life, store) => rig.sequencer({ life, store })),
          new Phoenix(random, (life, store) =>
            rig.dre({ life, store, limits: { instancesMax: 1 + random.below(3) } }),
          ),
          new Phoenix(random, (life) => rig.relayer({ life })),
        ]
        for (const role of roles) await role.rise(true)
        const to = targets(rig)
        for (let round = 0; round < 10; round++) {
          const target = to[random.below(3)] as string
          await rig.send(rig.item(target, { left: 1 + random.below(3), fan: 2, to, round }))
          await new Promise((resolve) => setTimeout(resolve, random.below(12)))
          for (const role of roles) {
            if (!role.dead && random.below(4) > 0) continue
            await role.fall()
            await role.rise(round < 9)
          }
        }
        for (const role of roles) {
          await role.fall()
          await role.rise(false)
        }
        await rig.quiet()
        await rig.check()
        await rig.close()
      }),
      { numRuns: 12 },
    )
  }, 60_000)

  test('so it is under faults of every topic', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        const rig = await Rig.open(network, (log) => {
          const faulty = faultyLog(log, { only: (topic) => topic !== 'hb.registry' })
          for (let n = 0; n < 300; n++) {
            const written = random.below(2) === 0
            const answer = random.below(2) === 0 ? 'first' : 'second'
            const kind = random.below(9)
            if (kind === 0) faulty.script({ kind: 'refused' })
            else if (kind === 1) faulty.script({ kind: 'unclear', written })
            else if (kind === 2) faulty.script({ kind: 'twice', answer })
            else faulty.script({ kind: 'none' })
          }
          return faulty
        })
        const to = targets(rig)
        const running: Any[] = [await rig.sequencer(), await rig.dre(), await rig.relayer()]
        const items = to.map((target) => rig.item(target, { left: 4, fan: 2, to }))
        for (const item of items) await untilSent(rig, item)
        await rig.quiet()
        await rig.check()
        expect(running.flatMap(({ halted }) => halted)).toEqual([])
        await rig.close()
      }),
      { numRuns: 6 },
    )
  }, 60_000)
})

/** A client that sends again until it is told that its message is in ingress. */
async function untilSent(rig: Rig, item: Buffer): Promise<void> {
  for (;;) {
    try {
      await rig.send(item)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}
