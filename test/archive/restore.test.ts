// Restoring a log from its segments: the same entries bit for bit, and what is wrong with an archive
// named exactly, with nothing written past it.

import { afterAll, beforeEach, expect, test } from '@jest/globals'
import { listSegments } from '../../src/archive/catalogue.ts'
import { archivedNetwork, genesisUpload } from '../../src/archive/catalogue.ts'
import type { Archive, Signer } from '../../src/archive/port.ts'
import { verifyPartition } from '../../src/archive/follow.ts'
import { restore } from '../../src/archive/restore.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { passing } from '../../src/log/passing/index.ts'
import type { Log, LogRecord } from '../../src/log/port.ts'
import { initialView } from '../../src/protocol/accept.ts'
import { LogReader, readRecord } from '../../src/protocol/log-reader.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { HbError, isHbError } from '../../src/std/errors.ts'
import { faultyLog } from '../log/faulty-log.ts'
import { testNetwork } from '../protocol/fixtures.ts'
import { memoryArchive, type Items } from './memory-archive.ts'
import { archiveTests } from './conformance.ts'
import { cutLog, plantLog, RECORDS, signer, type PlantedLog } from './planted-log.ts'

const NETWORK = testNetwork({ partitions: 2 })
const TOPIC = topicNames('hb').log
const SIGNER = signer()
const LIMITS = { heightsMax: 10, bytesMax: 1_000_000 }
/** By partition. */
const LOGS = [plantLog(NETWORK, 0, 47), plantLog(NETWORK, 1, 30)]

archiveTests('memory archive', async () => {
  const items: Items = new Map()
  return {
    open: (signed) => memoryArchive(items, signed ? SIGNER : undefined),
    remove: async () => undefined,
  }
})

let items: Items
let archive: Archive
const opened: Log[] = []
afterAll(() => Promise.all(opened.map((log) => log.close())))

function newLog(): Log {
  const log = createMemoryLog()
  opened.push(log)
  return log
}

async function post(log: PlantedLog, partition: number, limits = LIMITS, by = SIGNER) {
  const ids: string[] = []
  const writing = memoryArchive(items, by)
  for (const upload of cutLog(NETWORK, partition, log, limits, by)) {
    const prepared = await writing.prepare(upload)
    await writing.post(prepared, 'accepted')
    ids.push(prepared.id)
  }
  return ids
}

let ids: string[]
beforeEach(async () => {
  items = new Map()
  archive = memoryArchive(items)
  ids = await post(LOGS[0]!, 0)
  await post(LOGS[1]!, 1)
})

async function stored(log: Log, partition: number): Promise<LogRecord[]> {
  const { records } = await log.read(TOPIC, partition, 0, { bytesMax: 1e9 })
  return records.map(({ key, value, headers }) => ({ key, value, headers: headers ?? {} }))
}

/** The accepted entries are those that were planted, and there is nothing else. */
async function expectRestored(log: Log, count = 47): Promise<void> {
  const records = await stored(log, 0)
  const planted = LOGS[0]!.records.filter(({ headers }) => headers !== undefined)
  const byHeight = new Map(planted.map((each) => [each.headers!['hb-height'], each]))
  expect(records.length).toBe(count)
  records.forEach((record, height) => {
    const original = byHeight.get(String(height))!
    expect(record.key).toBe(original.key)
    expect(record.headers).toEqual(original.headers)
    expect(asBuffer(record.value!).equals(asBuffer(original.value!))).toBe(true)
  })
}

async function errorOf(act: Promise<unknown>): Promise<HbError> {
  const error: unknown = await act.then(() => undefined, (thrown: unknown) => thrown)
  if (isHbError(error)) return error
  throw new Error(`no HbError: ${String(error)}`)
}

test('an empty log gets the same entries at the same heights, and only these', async () => {
  const log = newLog()
  const seen: number[] = []
  const onProgress = (done: number): void => void seen.push(done)
  const done = await restore({ archive, network: NETWORK, log, onProgress })
  expect(done.map(({ height, segments, entries }) => [height, segments, entries])).toEqual([
    [46, 5, 47],
    [29, 3, 30],
  ])
  await expectRestored(log)
  expect(seen).toEqual([10, 20, 30, 40, 47, 10, 20, 30])
  const again = await restore({ archive, network: NETWORK, log })
  expect(again.map(({ entries }) => entries)).toEqual([0, 0])
  await expectRestored(log)
})

test('it resumes on a log whose listed end is old for a moment', async () => {
  const log = newLog()
  await restore({ archive, network: NETWORK, log, to: 24 })
  let olds = 1
  const old: Log = {
    ...passing(log),
    ends: async (topic) => {
      const ends = await log.ends(topic)
      return olds-- > 0 ? ends.map(({ start, end }) => ({ start, end: end - 7 })) : ends
    },
  }
  const [done] = await restore({ archive, network: NETWORK, log: old })
  expect([olds < 0, done?.height]).toEqual([true, 46])
  const view = initialView(NETWORK.id, 0, 2)
  const reader = new LogReader(NETWORK, RECORDS, view)
  // what was appended twice is there twice, and counts once
  for (const { value } of await stored(log, 0)) reader.read(value)
  expect(view.height).toBe(46)
})

test('it resumes where it stopped, in the middle of a segment too', async () => {
  for (const stopAt of [0, 4, 10, 33]) {
    const log = newLog()
    await log.provision(topicSpecs(topicNames('hb'), 2))
    const { entries } = LOGS[0]!
    for (const { entry, value } of entries.slice(0, stopAt)) {
      const { height, message } = entry
      const headers = { 'hb-height': String(height), 'hb-process': message.process }
      const record = { key: message.process, value, headers: { ...headers, 'hb-kind': message.kind } }
      await log.append(TOPIC, 0, [record])
    }
    const [first] = await restore({ archive, network: NETWORK, log })
    expect(first?.entries).toBe(47 - stopAt)
    await expectRestored(log)
  }
})

test('appends that are refused or unclear neither lose nor double an entry', async () => {
  const log = faultyLog(newLog(), { only: (topic) => topic === TOPIC })
  log.script({ kind: 'refused' }, { kind: 'unclear', written: true }, { kind: 'none' })
  log.script({ kind: 'unclear', written: false }, { kind: 'no-offset' })
  await restore({ archive, network: NETWORK, log })
  expect(log.pending).toBe(0)
  await expectRestored(log)
})

test('a height bounds what is restored', async () => {
  const log = newLog()
  const done = await restore({ archive, network: NETWORK, log, to: 24 })
  expect(done.map(({ height }) => height)).toEqual([24, 24])
  await expectRestored(log, 25)
  await restore({ archive, network: NETWORK, log })
  await expectRestored(log)
})

test('a missing segment is named by its heights, and nothing behind it is written', async () => {
  items.delete(ids[2]!)
  const log = newLog()
  const error = await errorOf(restore({ archive, network: NETWORK, log }))
  expect([error.code, error.detail]).toEqual([
    'archive-segment-missing',
    'partition 0: heights 20 to 29',
  ])
  await expectRestored(log, 20)
})

test('an altered segment is named, and nothing of it is written', async () => {
  const { tags, data } = await archive.read(ids[1]!)
  const changed = Buffer.from(data)
  changed[changed.length >> 1] = changed[changed.length >> 1]! ^ 1
  items.delete(ids[1]!)
  const writing = memoryArchive(items, SIGNER)
  const prepared = await writing.prepare({ tags, data: changed })
  await writing.post(prepared, 'accepted')
  const log = newLog()
  const error = await errorOf(restore({ archive, network: NETWORK, log }))
  expect(error.code).toBe('archive-segment-altered')
  expect(error.detail).toContain(prepared.id)
  await expectRestored(log, 10)
})

test('another history of the same heights is named with both places, unless one signer is trusted', async () => {
  const forger: Signer = signer()
  const forged = await post(plantLog(NETWORK, 0, 47, { seed: 2 }), 0, LIMITS, forger)
  const log = newLog()
  const error = await errorOf(restore({ archive, network: NETWORK, log }))
  expect(error.code).toBe('archive-segment-doubled')
  for (const id of [ids[0]!, forged[0]!]) expect(error.detail).toContain(id)
  expect(await stored(log, 0)).toEqual([])
  await restore({ archive, network: NETWORK, log, owners: [SIGNER.address] })
  await expectRestored(log)
})

test('the same heights written twice, cut alike or not, are one history', async () => {
  await post(LOGS[0]!, 0, LIMITS, signer())
  await post(LOGS[0]!, 0, { heightsMax: 25, bytesMax: 1_000_000 }, signer())
  const log = newLog()
  const [first] = await restore({ archive, network: NETWORK, log })
  expect(first?.segments).toBe(2)
  await expectRestored(log)
})

test('a segment that does not continue the chain is foreign', async () => {
  for (const id of ids.slice(3)) items.delete(id)
  const forged = await post(plantLog(NETWORK, 0, 47, { seed: 2 }), 0)
  for (const id of forged.slice(0, 3)) items.delete(id)
  const log = newLog()
  const error = await errorOf(restore({ archive, network: NETWORK, log }))
  expect(error.code).toMatch(/archive-segment-(foreign|doubled)/)
  expect(error.detail).toContain(forged[3]!)
  expect((await stored(log, 0)).length).toBeLessThanOrEqual(30)
})

test('a target with another log is left as it is, whichever partition differs', async () => {
  const log = newLog()
  await log.provision(topicSpecs(topicNames('hb'), 2))
  const other = plantLog(NETWORK, 1, 5, { seed: 3, noise: false })
  await log.append(TOPIC, 1, other.records)
  const error = await errorOf(restore({ archive, network: NETWORK, log }))
  expect(error.code).toBe('restore-target-differs')
  expect(await stored(log, 0)).toEqual([])
  expect((await stored(log, 1)).length).toBe(5)
})

test('whoever else writes the log meanwhile is noticed', async () => {
  const log = newLog()
  const other = plantLog(NETWORK, 0, 2, { seed: 3, noise: false })
  const faulty = faultyLog(log, { only: (topic) => topic === TOPIC })
  faulty.script({ kind: 'other-before', records: other.records })
  const error = await errorOf(restore({ archive, network: NETWORK, log: faulty }))
  expect(error.code).toBe('restore-target-differs')
})

test('signatures of wallets are checked where that is asked for', async () => {
  let seen = 0
  const checkItems = async (found: readonly unknown[]): Promise<void> => void (seen += found.length)
  await verifyPartition({ archive, network: NETWORK, checkItems }, 0)
  const wallets = LOGS[0]!.entries.filter(({ entry }) => entry.message.from === 'wallet')
  expect(seen).toBe(wallets.length)
  const refuse = async (): Promise<void> => {
    throw new HbError('signature-invalid', 'x')
  }
  const error = await errorOf(verifyPartition({ archive, network: NETWORK, checkItems: refuse }, 0))
  expect(error.code).toBe('signature-invalid')
})

test('what is restored is a log that every reader accepts to its end', async () => {
  const log = newLog()
  await restore({ archive, network: NETWORK, log })
  const view = initialView(NETWORK.id, 0, 2)
  for (const { value } of await stored(log, 0)) {
    expect(readRecord(NETWORK, RECORDS, view, value).type).toBe('entry')
  }
  expect(view.height).toBe(46)
})

test('the genesis is found by the network, and only the right one is taken', async () => {
  expect((await errorOf(archivedNetwork(archive, NETWORK.id))).code).toBe('archive-absent')
  const writing = memoryArchive(items, SIGNER)
  const { tags } = genesisUpload(NETWORK)
  const { data } = genesisUpload(testNetwork({ salt: 'other' }))
  await writing.post(await writing.prepare({ tags, data }), 'accepted')
  expect((await errorOf(archivedNetwork(archive, NETWORK.id))).code).toMatch(/^archive-/)
  await writing.post(await writing.prepare(genesisUpload(NETWORK)), 'accepted')
  expect((await archivedNetwork(archive, NETWORK.id)).id).toBe(NETWORK.id)
  const read = () => Promise.reject(new HbError('peer-unreachable', 'the archive'))
  const away: Archive = { ...archive, read }
  expect((await errorOf(archivedNetwork(away, NETWORK.id))).code).toBe('peer-unreachable')
  const { segments } = await listSegments(archive, { network: NETWORK, partition: 1 })
  expect(segments.map(({ range }) => [range.from, range.to])).toEqual([[0, 9], [10, 19], [20, 29]])
})
