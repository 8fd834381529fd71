// A DRE's partition is open only when all of what was the log's end is evaluated, in whatever order
// its batches are done.

import { expect, test } from '@jest/globals'
import type { Log, Member, Membership } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { Ownership } from '../../src/node/ownership.ts'
import { systemClock } from '../../src/std/clock.ts'
import { passing } from '../../src/log/passing/index.ts'

test('a batch that is done before the one ahead of it opens nothing', async () => {
  const inner = createMemoryLog()
  await inner.provision([{ name: 't', partitions: 1, cleanup: 'log' }])
  for (let n = 0; n < 2; n++) await inner.append('t', 0, [{ key: null, value: Buffer.from('x') }])
  const joined: { member?: Member } = {}
  const membership: Membership = {
    memberId: 'm',
    generation: () => 1,
    owns: () => Promise.resolve(true),
    leave: () => Promise.resolve(),
  }
  const log: Log = {
    ...passing(inner),
    join: async ({ member }) => ((joined.member = member), membership),
  }
  const ownership = new Ownership({ log, clock: systemClock, partitions: 1, roles: ['dre'] })
  let finish: () => void = () => undefined
  const first = new Promise<void>((resolve) => (finish = resolve))
  await ownership.watched('dre').join({
    group: 'g',
    topics: ['t'],
    member: {
      assigned: () => Promise.resolve({ t: 0 }),
      records: ({ next }) => (next === 1 ? first : Promise.resolve()),
      revoked: () => Promise.resolve(),
    },
  })
  const { member } = joined as { member: Member }
  await member.assigned(0, {})
  const { records } = await inner.read('t', 0, 0)
  const batches = records.map((record) => ({ topic: 't', partition: 0, records: [record] }))
  const under = batches.map((batch, at) => member.records({ ...batch, next: at + 1 }))
  await under[1]
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(ownership.of('dre', 0)).toBe('opening')
  finish()
  await under[0]
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(ownership.of('dre', 0)).toBe('open')
  await ownership.close()
  await inner.close()
})
