// What every archive must do, as a function of how one is opened.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Archive, Found, Upload } from '../../src/archive/port.ts'
import { parseDataItem } from '../../src/protocol/ans104/index.ts'
import { isHbError } from '../../src/std/errors.ts'
import { idOf } from '../protocol/fixtures.ts'

export type OpenArchives = {
  /** The same archive each time, with a signer of its own or to be read only. */
  open(signed: boolean): Archive
  remove(): Promise<void>
}

const NETWORK = idOf('network')

function upload(from: number, data = `data of ${from}`): Upload {
  const tags = { 'HB-Type': 'Segment', 'HB-Network': NETWORK, 'HB-Generation': '0' }
  const place = { 'HB-Partition': '3', 'HB-From': String(from), 'HB-To': String(from + 9) }
  return {
    tags: Object.entries({ ...tags, ...place }).map(([name, value]) => ({ name, value })),
    data: Buffer.from(data),
  }
}

export async function allFound(archive: Archive, tags: Record<string, string>): Promise<Found[]> {
  const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
  const found: Found[] = []
  for await (const each of archive.find(list)) found.push(each)
  return found
}

export async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act()
    return 'none'
  } catch (error) {
    if (isHbError(error)) return error.code
    throw error
  }
}

export function archiveTests(name: string, make: () => Promise<OpenArchives>): void {
  describe(name, () => {
    let archives: OpenArchives
    let archive: Archive
    beforeEach(async () => {
      archives = await make()
      archive = archives.open(true)
    })
    afterEach(async () => {
      await archive.close()
      await archives.remove()
    })

    const post = async (what: Upload): Promise<string> => {
      const prepared = await archive.prepare(what)
      await archive.post(prepared, 'accepted')
      return prepared.id
    }

    test('what was posted is read back, also by another who opens it', async () => {
      const id = await post(upload(0))
      const other = archives.open(false)
      for (const each of [archive, other]) {
        const kept = await each.read(id)
        expect(kept.data.toString()).toBe('data of 0')
        expect(kept.tags).toEqual(upload(0).tags)
        expect(kept.owner).toBe(archive.address)
      }
      await other.close()
    })

    test('nothing is there before it was posted, and an absent id has a code', async () => {
      const { id } = await archive.prepare(upload(0))
      expect(await allFound(archive, { 'HB-Type': 'Segment' })).toEqual([])
      expect(await codeOf(() => archive.read(id))).toBe('archive-absent')
    })

    test('posting the same prepared item again is posting it once', async () => {
      const prepared = await archive.prepare(upload(0))
      for (let n = 0; n < 3; n++) await archive.post(prepared, 'accepted')
      await Promise.all([archive.post(prepared, 'accepted'), archive.post(prepared, 'accepted')])
      const found = await allFound(archive, { 'HB-Network': NETWORK })
      expect(found.map(({ id }) => id)).toEqual([prepared.id])
    })

    test('items are found by all tags that are given, and by no fewer', async () => {
      const ids: string[] = []
      for (const from of [0, 10, 20]) ids.push(await post(upload(from)))
      const plain = await post({ tags: [{ name: 'App-Name', value: 'x' }], data: Buffer.of(1) })
      const find = async (tags: Record<string, string>): Promise<string[]> =>
        (await allFound(archive, tags)).map(({ id }) => id)
      const segment = { 'HB-Type': 'Segment', 'HB-Network': NETWORK, 'HB-Generation': '0' }
      expect((await find({ ...segment, 'HB-Partition': '3' })).sort()).toEqual([...ids].sort())
      expect(await find({ ...segment, 'HB-From': '10' })).toEqual([ids[1]])
      expect(await find({ ...segment, 'HB-Partition': '2' })).toEqual([])
      expect(await find({ 'HB-Network': idOf('another') })).toEqual([])
      expect(await find({ 'App-Name': 'x' })).toEqual([plain])
      expect((await find({})).length).toBe(4)
      const [found] = await allFound(archive, { 'HB-From': '20' })
      expect(found?.owner).toBe(archive.address)
      expect(found?.flaw).toBe(undefined)
    })

    test('what it signs is a data item of its own address', () => {
      const item = parseDataItem(archive.signItem({ data: Buffer.from('x') }))
      expect(item.address).toBe(archive.address)
    })

    test('opened without a signer it signs nothing', async () => {
      const other = archives.open(false)
      expect(other.address).toBe(undefined)
      expect(await codeOf(() => other.prepare(upload(0)))).toBe('archive-read-only')
      await other.close()
    })

    test('large data come back whole', async () => {
      // no part of it like another: whoever keeps equal parts once must not show
      const data = Array.from({ length: 300_000 }, (_, n) => `line ${n}`).join('\n')
      const id = await post(upload(30, data))
      expect((await archive.read(id)).data.equals(Buffer.from(data))).toBe(true)
    })
  })
}
