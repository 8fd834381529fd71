// The LMDB store keeps the port's promises, durable or not; and what is particular to it.

import { expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbStore } from '../../src/store/lmdb/index.ts'
import { storeConformance } from './conformance.ts'

const freshDir = (): Promise<string> => mkdtemp(join(tmpdir(), 'hb-store-'))

for (const durable of [true, false]) {
  storeConformance(durable ? 'lmdb, durable' : 'lmdb, not durable', async () => {
    const dir = await freshDir()
    let store = await openLmdbStore({ dir, durable })
    return {
      store,
      reopen: async () => {
        await store.close()
        return (store = await openLmdbStore({ dir, durable }))
      },
      dispose: async () => {
        await store.close()
        await rm(dir, { recursive: true })
      },
    }
  })
}

test('ranges over many slices give every key once, both ways', async () => {
  const dir = await freshDir()
  const store = await openLmdbStore({ dir, durable: false })
  const keys = Array.from({ length: 1_100 }, (_, n) => `k${String(n).padStart(5, '0')}`)
  await store.write(keys.map((key) => ({ key, value: Buffer.from(key) })))
  const of = (options: object) =>
    [...store.range({ from: 'k', to: 'l', ...options })].map(({ key }) => key)
  expect(of({})).toEqual(keys)
  expect(of({ reverse: true })).toEqual([...keys].reverse())
  expect(of({ limit: 600 })).toEqual(keys.slice(0, 600))
  expect(of({ limit: 512, reverse: true })).toEqual([...keys].reverse().slice(0, 512))
  expect(of({ from: 'k00100', to: 'k00700', reverse: true })).toEqual(
    keys.slice(100, 700).reverse(),
  )
  await store.close()
  await rm(dir, { recursive: true })
})

test('a second opening is refused and says who holds the store', async () => {
  const dir = await freshDir()
  const store = await openLmdbStore({ dir, durable: true })
  await expect(openLmdbStore({ dir, durable: true })).rejects.toMatchObject({
    code: 'store-locked',
    detail: expect.stringContaining(`pid ${process.pid}`),
  })
  await store.close()
  await (await openLmdbStore({ dir, durable: true })).close()
  await rm(dir, { recursive: true })
})

test('what another boot left unsynced is thrown away; what was closed is not', async () => {
  const dir = await freshDir()
  const first = await openLmdbStore({ dir, durable: false })
  await first.write([{ key: 'k', value: Buffer.from('v') }])
  expect(existsSync(join(dir, 'hb-unsynced'))).toBe(true)
  await first.close()
  expect(existsSync(join(dir, 'hb-unsynced'))).toBe(false)
  const second = await openLmdbStore({ dir, durable: false })
  expect(second.get('k')).toBeDefined()
  await second.close()
  await writeFile(join(dir, 'hb-unsynced'), 'another boot')
  const third = await openLmdbStore({ dir, durable: false })
  expect(third.get('k')).toBeUndefined()
  await third.close()
  await rm(dir, { recursive: true })
})

test('a torn or foreign file is an error', async () => {
  const dir = await freshDir()
  const store = await openLmdbStore({ dir, durable: true })
  await store.write([{ key: 'k', value: Buffer.alloc(100_000) }])
  await store.close()
  await truncate(join(dir, 'data.mdb'), 20_000)
  const code = 'store-file-corrupt'
  await expect(openLmdbStore({ dir, durable: true })).rejects.toMatchObject({ code })
  await writeFile(join(dir, 'data.mdb'), 'not a database')
  await expect(openLmdbStore({ dir, durable: true })).rejects.toMatchObject({ code })
  await rm(dir, { recursive: true })
})
