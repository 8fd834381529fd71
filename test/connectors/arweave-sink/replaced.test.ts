// The sink on an archive that is slow to make an item durable, or that has another take its place.

import { afterEach, expect, test } from '@jest/globals'
import type { Archive } from '../../../src/archive/port.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import { HbError } from '../../../src/std/errors.ts'
import { archiveAll, SinkRig } from './sink-rig.ts'

let rig: SinkRig
afterEach(() => rig.close())

test('what takes the place of a segment is written down, posted again, and named by the next', async () => {
  rig = await new SinkRig([12]).plant()
  const { archive } = rig
  const posted: string[] = []
  const renewing: Archive = {
    ...archive,
    post: async (prepared, durability, options) => {
      // a genesis is not waited for so
      if (options?.onReplaced === undefined) return archive.post(prepared, durability)
      let by = prepared
      if (posted.length === 0) {
        const { tags, data } = parseDataItem(prepared.bytes)
        by = await archive.prepare({ tags: [...tags, { name: 'X', value: 'anew' }], data })
        await options.onReplaced(by)
      }
      posted.push(by.id)
      if (posted.length < 3) throw new HbError('archive-gateway-failed')
      await archive.post(by, durability)
    },
  }
  const sink = rig.sink({ archive: renewing })
  await sink.start()
  await rig.caughtUp()
  await sink.stop()
  expect(new Set(posted.slice(0, 3)).size).toBe(1)
  expect(await rig.segments()).toEqual(['0: 0-4', '0: 5-9', '0: 10-11'])
  expect(await rig.verify()).toEqual([11])
  const [, , second] = [...rig.items.values()].map((bytes) => parseDataItem(bytes))
  expect(tagValue(second?.tags ?? [], 'HB-Previous')).toBe(posted[0])
})

test('stopped before a segment is durable it ends at once; begun again it posts that same one', async () => {
  rig = await new SinkRig([5]).plant()
  const { archive } = rig
  const posted: string[] = []
  const waiting: Archive = {
    ...archive,
    post: (prepared, durability, options) => {
      if (options?.onReplaced === undefined) return archive.post(prepared, durability)
      posted.push(prepared.id)
      // found already, as on a gateway that lists what no block has yet
      rig.items.set(prepared.id, prepared.bytes)
      return new Promise((_, reject) => {
        options.signal?.addEventListener('abort', () => reject(new HbError('interrupted')))
      })
    },
    read: (id) =>
      posted.includes(id) ? Promise.reject(new HbError('archive-absent', id)) : archive.read(id),
  }
  const one = rig.sink({ archive: waiting })
  await one.start()
  await rig.until(() => posted.length === 1, 'posted')
  await one.stop()
  const two = rig.sink({ archive: waiting })
  await two.start()
  await rig.until(() => posted.length === 2, 'posted again')
  await two.stop()
  expect(rig.failures).toEqual([])
  expect(posted[1]).toBe(posted[0])
  await archiveAll(rig)
  expect(await rig.segments()).toEqual(['0: 0-4'])
})
