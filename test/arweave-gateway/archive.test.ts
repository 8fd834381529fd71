// The Arweave archive on arlocal: the port's suite; a segment as others find it, unbundled by the
// gateway, queried by GraphQL, parsed by an independent library; and what is mined, or is not.

import { Bundle } from 'arbundles'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openArweaveArchive } from '../../src/archive/index.ts'
import type { Archive, ArweaveLimits, Prepared, Upload } from '../../src/archive/index.ts'
import { openSegment } from '../../src/archive/segment-reader.ts'
import { generateWallet } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { ownerAddress } from '../../src/protocol/ans104/index.ts'
import { archiveTests, codeOf } from '../archive/conformance.ts'
import { cutLog, ORDERS, plantLog, RECORDS } from '../archive/planted-log.ts'
import { testNetwork } from '../protocol/fixtures.ts'
import { Arlocal } from './arlocal.ts'

const FAST: Partial<ArweaveLimits> = { pollDelayMs: 20, retryDelayMs: 5, retryDelayMsMax: 20 }

let arlocal: Arlocal
let wallet: Wallet
beforeAll(async () => {
  arlocal = await Arlocal.start()
  wallet = await generateWallet('rsa')
  await arlocal.mint(wallet.address)
})
afterAll(() => arlocal.close())

archiveTests('Arweave archive', async () => {
  const own = await Arlocal.start()
  await own.mint(wallet.address)
  return {
    open: (signed) =>
      openArweaveArchive({ gateway: own.url, limits: FAST, ...(signed && { signer: wallet }) }),
    remove: () => own.close(),
  }
})

const NETWORK = testNetwork()
const OPTIONS = { network: NETWORK, records: RECORDS, orders: ORDERS }

describe('a segment on arlocal', () => {
  let archive: Archive
  const planted = plantLog(NETWORK, 0, 60, { dataBytes: 20_000 })
  let upload: Upload
  let prepared: Prepared
  beforeAll(async () => {
    archive = openArweaveArchive({ gateway: arlocal.url, limits: FAST, signer: wallet })
    const limits = { heightsMax: 1_000, bytesMax: 4_000_000 }
    upload = cutLog(NETWORK, 0, planted, limits, wallet)[0] as Upload
    prepared = await archive.prepare(upload)
    await archive.post(prepared, 'accepted')
    await arlocal.mine(3)
  })
  afterAll(() => archive.close())

  test('is more than one chunk, and read back it opens to the same entries', async () => {
    expect(upload.data.length).toBeGreaterThan(2 * 262_144)
    const kept = await archive.read(prepared.id)
    const { entries } = openSegment(OPTIONS, kept)
    expect(entries.map(({ value }) => value.toString('base64'))).toEqual(
      planted.entries.map(({ value }) => value.toString('base64')),
    )
  })

  test('its messages are found by their own ids, tags and owners, as the gateway unbundled them', async () => {
    const items = new Bundle(Buffer.from(upload.data)).items
    expect(items.length).toBeGreaterThan(20)
    const query = `query ($id: ID!) { transaction(id: $id) {
      id owner { address } tags { name value } bundledIn { id }
    } }`
    for (const [index, item] of items.entries()) {
      const { transaction } = await arlocal.graphql(query, { id: item.id })
      expect(transaction).toEqual({
        id: item.id,
        owner: { address: ownerAddress(item.rawOwner) },
        tags: item.tags.map(({ name, value }) => ({ name, value })),
        bundledIn: { id: prepared.id },
      })
      if (index > 3 && index < items.length - 1) continue
      const kept = await archive.read(item.id)
      expect(kept.data.equals(item.rawData)).toBe(true)
    }
  })

  test('its data, as the gateway serves them, verify by an independent library', async () => {
    const served = Buffer.from(await (await fetch(`${arlocal.url}/${prepared.id}`)).arrayBuffer())
    expect(await new Bundle(served).verify()).toBe(true)
  })

  test('it is found by its tags among many, page after page, and by its owner', async () => {
    const other = await generateWallet('rsa')
    await arlocal.mint(other.address)
    const theirs = openArweaveArchive({ gateway: arlocal.url, limits: FAST, signer: other })
    const limits = { ...FAST, pageItemsMax: 5 }
    const paged = openArweaveArchive({ gateway: arlocal.url, limits })
    const tags = [{ name: 'HB-Test', value: 'many' }]
    for (let n = 0; n < 24; n++) {
      const by = n % 8 === 0 ? theirs : archive
      await by.post(await by.prepare({ tags, data: Buffer.from(`${n}`) }), 'accepted')
    }
    const count = async (owners?: string[]): Promise<number> => {
      let found = 0
      for await (const each of paged.find(tags, owners)) {
        expect(each.tags).toEqual(tags)
        found += 1
      }
      return found
    }
    expect(await count()).toBe(24)
    expect(await count([other.address])).toBe(3)
    await theirs.close()
    await paged.close()
  })
})

describe('what is mined, and what is not', () => {
  let archive: Archive
  let n = 0
  const next = (): Upload => ({ tags: [{ name: 'HB-Test', value: 'x' }], data: Buffer.from(`${++n}`) })
  const known = async (id: string): Promise<boolean> =>
    (await fetch(`${arlocal.url}/tx/${id}/status`)).status !== 404
  async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
    for (let tried = 0; !(await isSo()); tried++) {
      if (tried > 500) throw new Error('never')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  beforeAll(() => {
    archive = openArweaveArchive({
      gateway: arlocal.url,
      limits: { ...FAST, repostDelayMs: 50 },
      signer: wallet,
    })
  })
  afterAll(() => archive.close())

  test('it waits for as many confirmations as are asked for', async () => {
    const prepared = await archive.prepare(next())
    let isDone = false
    const posted = archive.post(prepared, 2).then(() => (isDone = true))
    await until(() => known(prepared.id))
    await arlocal.mine(2)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(isDone).toBe(false)
    await arlocal.mine()
    await posted
  })

  test('what is dropped is posted again, the same transaction', async () => {
    const prepared = await archive.prepare(next())
    const replaced: string[] = []
    const onReplaced = async ({ id }: Prepared): Promise<void> => void replaced.push(id)
    const posted = archive.post(prepared, 1, { onReplaced })
    for (let times = 0; times < 2; times++) {
      await until(() => known(prepared.id))
      await arlocal.drop(prepared.id)
    }
    await until(() => known(prepared.id))
    await arlocal.mine(2)
    await posted
    expect(replaced).toEqual([])
    expect((await archive.read(prepared.id)).data.toString()).toBe(`${n}`)
  })

  test('what no block can hold any more is replaced: told before it is posted, with the same data', async () => {
    const upload = next()
    const prepared = await archive.prepare(upload)
    await arlocal.mine(62)
    const told: { id: string; isKnown: boolean }[] = []
    const onReplaced = async ({ id }: Prepared): Promise<void> => {
      told.push({ id, isKnown: await known(id) })
    }
    await archive.post(prepared, 'accepted', { onReplaced })
    expect(told).toEqual([{ id: expect.not.stringMatching(prepared.id), isKnown: false }])
    expect(await codeOf(() => archive.read(prepared.id))).toBe('archive-absent')
    const kept = await archive.read(told[0]!.id)
    expect([kept.tags, kept.data.toString()]).toEqual([upload.tags, `${n}`])
  })

  test('the wait ends when it is told to, and when the archive is closed', async () => {
    const prepared = await archive.prepare(next())
    const stop = new AbortController()
    const posted = archive.post(prepared, 5, { signal: stop.signal })
    await until(() => known(prepared.id))
    stop.abort()
    expect(await codeOf(() => posted)).toBe('interrupted')
    const other = openArweaveArchive({ gateway: arlocal.url, limits: FAST, signer: wallet })
    const waiting = other.post(prepared, 5)
    await other.close()
    expect(await codeOf(() => waiting)).toBe('interrupted')
  })
})
