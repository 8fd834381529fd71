// Children: nurseries in two partitions spawn them by a salt, by source and by module hash, and say
// hello to them at once; wallets that know the salt say hello too, some of them too early, and
// spawn by the module's hash themselves.

import { messageFields, spawnFields } from '../../../src/client/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import { CHILD, childModel } from './breeder.ts'
import { nurseryModel, saltedId } from './model/nursery.ts'
import { moduleHash } from './model/replay.ts'
import type { Draft, Ending, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const NURSERY = 'test/simulation/load/contracts/nursery.ts'
/** Of so many salts each nursery bears one: some of them again. */
const SALTS = 60

export function children(): Workload {
  const nurseries: string[] = []
  const module = moduleHash(CHILD)
  return {
    name: 'children',
    tokenNames: [],
    contracts: [NURSERY],
    processes: ({ place, source }) =>
      [0, 1].map((at): GenesisProcess => {
        const { id, ...placed } = place(`nursery-${at}`, at)
        nurseries.push(id)
        const state = { source: CHILD, module, born: 0, bounces: {} }
        return { ...placed, engine: 'quickjs', source: source(NURSERY), state }
      }),
    models: (source) => [
      [source(NURSERY), nurseryModel],
      [CHILD, childModel],
    ],
    draft: ({ random, network, generation }): Draft => {
      const place = { network: network.id, generation }
      const target = oneOf(random, nurseries)
      const Salt = `child ${random.below(SALTS)}`
      const dice = random.below(100)
      if (dice < 8) return { fields: spawnFields(place, { module, state: { hellos: 0 } }) }
      if (dice < 25) {
        // a third party that was told the id
        const child = saltedId(target, Salt)
        return { fields: messageFields(place, { target: child, action: 'Hello' }) }
      }
      if (dice < 45) {
        return { fields: messageFields(place, { target, action: 'Visit', tags: { Salt } }) }
      }
      const tags = {
        By: oneOf(random, ['module', 'module', 'source']),
        First: random.below(6) === 0 ? 'hello' : 'spawn',
        Ill: String(random.below(6) === 0),
      }
      // some without a salt
      const named = random.below(20) === 0 ? tags : { ...tags, Salt }
      const few = random.below(10) === 0 ? { hops: random.below(4), count: random.below(6) } : {}
      return { fields: messageFields(place, { target, action: 'Bear', tags: named, ...few }) }
    },
    judge: (ending) => neverTooEarly(ending, new Set(nurseries)),
  }
}

/** What a parent sends behind a spawn finds the child, or what became of it: never nothing. */
export function neverTooEarly(
  { partitions }: Pick<Ending, 'partitions'>,
  parents: ReadonlySet<string>,
): Violation[] {
  /** By child: where the spawn left first. */
  const spawned = new Map<string, { readonly height: number; readonly index: number }>()
  for (const { results } of partitions) {
    for (const { process, height, messages } of results) {
      if (!parents.has(process)) continue
      for (const [index, { kind, tags }] of messages.entries()) {
        const salt = kind === 'spawn' ? tagValue(tags, 'Spawn-Salt') : undefined
        if (salt === undefined) continue
        const child = saltedId(process, salt)
        if (!spawned.has(child)) spawned.set(child, { height, index })
      }
    }
  }
  return partitions.flatMap(({ entries, results }, partition) =>
    entries.flatMap(({ message, height }): Violation[] => {
      const { caller, process, origin, id } = message
      const spawn = spawned.get(process)
      if (!parents.has(caller) || origin === undefined || spawn === undefined) return []
      const isBehind =
        origin.height > spawn.height ||
        (origin.height === spawn.height && origin.index > spawn.index)
      if (!isBehind || results[height]?.code !== 'process-not-found') return []
      const text = 'a message of the parent came before the child that it had spawned'
      return [{ invariant: 'children-in-time', partition, height, id, text }]
    }),
  )
}
