// A simulated archive for tests that know of no virtual time: each call drives the world until it is
// answered.

import type { Archive } from '../../../src/archive/index.ts'
import type { World } from '../world/world.ts'
import { SECOND } from '../world/world.ts'

const CALL_US_MAX = 60 * SECOND

export function driven(world: World, archive: Archive): Archive {
  const drive = async <T>(call: Promise<T>): Promise<T> => {
    let isOver = false
    const end = (): void => void (isOver = true)
    call.then(end, end)
    if (await world.runUntil(() => isOver, world.now + CALL_US_MAX)) return call
    throw new Error('no answer')
  }
  return {
    ...archive,
    post: (prepared, durability) => drive(archive.post(prepared, durability)),
    read: (id) => drive(archive.read(id)),
    async *find(tags) {
      yield* await drive(all(archive.find(tags)))
    },
  }
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}
