// An archive of several generations: whose documents count, where one ends, and that no segment is
// of two.

import { beforeEach, expect, test } from '@jest/globals'
import { archivedNetwork, genesisUpload, hasGenesis } from '../../src/archive/catalogue.ts'
import { verifyPartition } from '../../src/archive/follow.ts'
import type { Archive } from '../../src/archive/port.ts'
import { chainEnd } from '../../src/archive/segment-chain.ts'
import { nextGeneration } from '../../src/protocol/generations.ts'
import type { GenerationStart, Network } from '../../src/protocol/genesis.ts'
import { tagValue } from '../../src/protocol/message.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { isHbError } from '../../src/std/errors.ts'
import { testNetwork } from '../protocol/fixtures.ts'
import { memoryArchive, type Items } from './memory-archive.ts'
import { cutLog, ORDERS, RECORDS, signer } from './planted-log.ts'
import { PlantedNetwork } from './planted-network.ts'

const FIRST = testNetwork({ partitions: 2, processes: [] })
const SIGNER = signer()
const LIMITS = { heightsMax: 4, bytesMax: 1_000_000 }
const CODECS = { records: RECORDS, orders: ORDERS }

let items: Items
let archive: Archive
beforeEach(() => {
  items = new Map()
  archive = memoryArchive(items, SIGNER)
})

async function post(upload: ReturnType<typeof genesisUpload>, by = SIGNER): Promise<string> {
  const writing = memoryArchive(items, by)
  const prepared = await writing.prepare(upload)
  await writing.post(prepared, 'accepted')
  return prepared.id
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  const error: unknown = await act.then(() => undefined, (thrown: unknown) => thrown)
  return isHbError(error) ? error.code : `no HbError: ${String(error)}`
}

/** Ten heights of partition 0, left at height 5; six more of the generation behind that. */
function twoGenerations(begun = 1): { old: PlantedNetwork; network: Network; log: PlantedNetwork } {
  const old = new PlantedNetwork(FIRST)
  for (let n = 0; n < 10; n++) old.take({ at: 0, from: 1, to: [] })
  const hash = toBase64Url(old.entries[0]![5]!.hash)
  const none = toBase64Url(Buffer.alloc(32))
  const start: GenerationStart = { begun, heights: [5, -1], hashes: [hash, none] }
  const network = nextGeneration(FIRST, start)
  const log = new PlantedNetwork(network)
  for (const { value } of old.records[0]!.slice(0, 6)) {
    log.append(0, RECORDS.decodeEntry(Buffer.from(value!)).message)
  }
  log.append(0, { type: 'genesis', name: 'generation/1' })
  for (let n = 0; n < 5; n++) log.take({ at: 0, from: 1, to: [] })
  return { old, network, log }
}

test('no segment is of two generations, and of the first only what was kept is read', async () => {
  const { old, network, log } = twoGenerations()
  for (const upload of cutLog(FIRST, 0, { records: old.records[0]! }, LIMITS, SIGNER)) await post(upload)
  const cut = cutLog(network, 0, { records: log.records[0]! }, LIMITS, SIGNER)
  const ranges = cut.map(({ tags }) =>
    ['HB-Generation', 'HB-From', 'HB-To'].map((name) => Number(tagValue(tags, name))),
  )
  expect(ranges).toEqual([
    [0, 0, 3],
    [0, 4, 5],
    [1, 6, 7],
    [1, 8, 11],
  ])
  // the first generation's archive goes beyond the cut: it ends at the cut all the same
  const before = await chainEnd({ ...CODECS, archive, network, partition: 0 })
  expect([before?.view.height, before?.view.hash]).toEqual([5, log.entries[0]![5]!.hash])
  for (const upload of cut.slice(2)) await post(upload)
  const after = await chainEnd({ ...CODECS, archive, network, partition: 0 })
  expect([after?.view.height, after?.view.hash]).toEqual([11, log.entries[0]![11]!.hash])
  const read = await verifyPartition({ archive, network }, 0)
  expect([read.height, read.entries, read.hash]).toEqual([
    11,
    12,
    toBase64Url(log.entries[0]![11]!.hash),
  ])
  // as the first generation left it
  expect((await verifyPartition({ archive, network: FIRST }, 0)).height).toBe(9)
})

test('an archive that does not reach the cut is named as lacking it', async () => {
  const { old, network } = twoGenerations()
  const [upload] = cutLog(FIRST, 0, { records: old.records[0]! }, LIMITS, SIGNER)
  await post(upload!)
  const error: unknown = await verifyPartition({ archive, network }, 0).catch((e: unknown) => e)
  expect(error).toMatchObject({
    code: 'archive-segment-missing',
    detail: 'partition 0: heights 4 to 5, up to which generation 0 was kept',
  })
})

test('the latest generation counts, of trusted signers; two beginnings of one are named', async () => {
  await post(genesisUpload(FIRST))
  const [network, other] = [twoGenerations().network, twoGenerations(2).network]
  expect(await hasGenesis(archive, network)).toBe(false)
  expect((await archivedNetwork(archive, FIRST.id)).genesis.generation).toBe(0)
  await post(genesisUpload(network))
  expect(await hasGenesis(archive, network)).toBe(true)
  expect((await archivedNetwork(archive, FIRST.id)).genesis.generation).toBe(1)
  const forger = signer()
  await post(genesisUpload(other), forger)
  expect(await codeOf(archivedNetwork(archive, FIRST.id))).toBe('archive-generation-doubled')
  const trusted = await archivedNetwork(archive, FIRST.id, [SIGNER.address])
  expect(trusted.genesis.generations).toEqual(network.genesis.generations)
  const theirs = await archivedNetwork(archive, FIRST.id, [forger.address])
  expect(theirs.genesis.generations).toEqual(other.genesis.generations)
})
