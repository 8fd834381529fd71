// The whole crank on a memory log: random walks over processes of all partitions while the roles die and come back.

import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { newLife } from './mortal.ts'
import { Rig, rigNetwork } from './rig.ts'

describe('the whole crank', () => {
  test('every message that is sent or emitted is ordered once, evaluated once, and rebuilds alike', async () => {
    const rig = await Rig.open(rigNetwork(['walk']))
    const running = [await rig.sequencer(), await rig.dre(), await rig.relayer()]
    const to = ['walk-0', 'walk-1', 'walk-2'].map((name) => rig.id(name))
    await rig.send(
      ...to.map((target) => rig.item(target, { left: 4, fan: 2, to })),
    )
    await rig.quiet()
    await rig.check()
    const all = await rig.everything()
    expect(all.reduce((sum, { entries }) => sum + entries.length, 0)).toBe(3 + 3 * 31)
    expect(running.flatMap(({ halted }) => halted)).toEqual([])
    await rig.close()
  })
})
