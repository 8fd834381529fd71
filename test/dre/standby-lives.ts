// Members of the DRE's group that keep standbys, and die.

import type { Random } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { newLife } from '../node/mortal.ts'
import type { Rig } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { copyLog } from './recorded.ts'

export type Dre = Awaited<ReturnType<Rig['dre']>>

/**
 * Three members, each of which dies at any append and comes back with its store or without, while
 * the recorded log is written. At the end all live on; they are returned.
 */
export async function livesAndDeaths(
  recorded: Recorded,
  rig: Rig,
  random: Random,
  start: (options: Parameters<Rig['dre']>[0]) => Promise<Dre>,
): Promise<Dre[]> {
  const stores = [createMemoryStore(), createMemoryStore(), createMemoryStore()]
  const rise = (at: number, mortal: boolean): Promise<Dre> => {
    if (random.below(5) === 0) stores[at] = createMemoryStore()
    const life = newLife(mortal ? 1 + random.below(14) : Infinity, random.below(2) === 0)
    const store = stores[at] as Store
    const own = { instancesMax: 1 + random.below(4), standbyLingerMs: random.below(20) }
    return start({ life, store, standbys: 1 + random.below(2), limits: own })
  }
  const running: Dre[] = []
  for (const at of stores.keys()) running.push(await rise(at, true))
  const end = Math.max(...recorded.log.map((each) => each.length))
  for (let from = 0; from < end; ) {
    const to = from + 1 + random.below(9)
    await copyLog(recorded, rig, to, from)
    from = to
    await new Promise((resolve) => setTimeout(resolve, random.below(12)))
    for (const [at, dre] of running.entries()) {
      if (dre.life.alive && random.below(6) > 0) continue
      if (dre.halted.length > 0) throw dre.halted[0]?.error
      const died = new Promise<void>((resolve) => (dre.life.died = resolve))
      if (random.below(2) === 0) await Promise.race([dre.stop(), died])
      await dre.kill()
      running[at] = await rise(at, true)
    }
  }
  for (const [at, dre] of running.entries()) {
    await dre.kill()
    running[at] = await rise(at, false)
  }
  return running
}
