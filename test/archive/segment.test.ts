// Segments: what is written is read back bit for bit, whatever byte is changed is found, and others
// can read them.

import { expect, test } from '@jest/globals'
import { Bundle } from 'arbundles'
import avro from 'avsc'
import fc from 'fast-check'
import { Readable } from 'node:stream'
import type { Kept, Upload } from '../../src/archive/port.ts'
import { openSegment } from '../../src/archive/segment-reader.ts'
import { parseBundle } from '../../src/protocol/ans104/index.ts'
import { asBuffer, toBase64Url } from '../../src/std/bytes.ts'
import { isHbError } from '../../src/std/errors.ts'
import { idOf, testNetwork } from '../protocol/fixtures.ts'
import { cutLog, ORDERS, plantLog, RECORDS, signer } from './planted-log.ts'

const NETWORK = testNetwork()
const SIGNER = signer()
const OPTIONS = { network: NETWORK, records: RECORDS, orders: ORDERS }
const WIDE = { heightsMax: 1_000, bytesMax: 1_000_000 }

function keptOf({ tags, data }: Upload, id = idOf('segment')): Kept {
  return { id, owner: SIGNER.address, tags, data: asBuffer(data) }
}

function codeOf(kept: Kept): string {
  try {
    openSegment(OPTIONS, kept)
    return 'ok'
  } catch (error) {
    if (isHbError(error)) return error.code
    throw error
  }
}

test('every entry comes back bit for bit, wherever it is cut', () => {
  const shapes = fc.record({
    seed: fc.nat(),
    count: fc.integer({ min: 1, max: 40 }),
    heightsMax: fc.integer({ min: 1, max: 50 }),
    bytesMax: fc.integer({ min: 1, max: 20_000 }),
    dataBytes: fc.constantFrom(0, 40, 2_000),
  })
  const check = fc.property(shapes, ({ seed, count, dataBytes, ...limits }) => {
    const log = plantLog(NETWORK, 0, count, { seed, dataBytes })
    const segments = cutLog(NETWORK, 0, log, limits, SIGNER).map((upload) =>
      openSegment(OPTIONS, keptOf(upload)),
    )
    const entries = segments.flatMap((segment) => segment.entries)
    expect(entries.length).toBe(count)
    entries.forEach(({ entry, value }, height) => {
      expect(value.equals(log.entries[height]!.value)).toBe(true)
      expect(toBase64Url(entry.hash)).toBe(toBase64Url(log.entries[height]!.entry.hash))
    })
    for (const { head } of segments) {
      const { from, to } = head
      expect(Math.floor(from / limits.heightsMax)).toBe(Math.floor(to / limits.heightsMax))
    }
  })
  fc.assert(check, { numRuns: 15 })
})

test('a changed byte anywhere is found', () => {
  const [upload] = cutLog(NETWORK, 0, plantLog(NETWORK, 0, 12), WIDE, SIGNER) as [Upload]
  expect(codeOf(keptOf(upload))).toBe('ok')
  const places = fc.tuple(fc.nat(upload.data.length - 1), fc.integer({ min: 1, max: 255 }))
  const check = fc.property(places, ([at, by]) => {
    const data = Buffer.from(upload.data)
    data[at] = (data[at] as number) ^ by
    expect(codeOf(keptOf({ ...upload, data }))).toMatch(/^archive-/)
  })
  fc.assert(check, { numRuns: 400 })
  for (const length of [0, 31, 32, 100, upload.data.length - 1]) {
    const data = upload.data.subarray(0, length)
    expect(codeOf(keptOf({ ...upload, data }))).toBe('archive-segment-altered')
  }
})

test('a record in another legal form of Avro comes back in that form', () => {
  const log = plantLog(NETWORK, 0, 4, { noise: false })
  const records = log.records.map((record, height) =>
    height === 3 ? { ...record, value: longerForm(record.value as Buffer) } : record,
  )
  const [upload] = cutLog(NETWORK, 0, { records }, WIDE, SIGNER) as [Upload]
  const { entries } = openSegment(OPTIONS, keptOf(upload))
  expect(entries.map(({ value }) => value.toString('hex'))).toEqual(
    records.map(({ value }) => asBuffer(value as Uint8Array).toString('hex')),
  )
})

/** The height, which stands first, with a byte more than it needs. */
function longerForm(value: Buffer): Buffer {
  const longer = Buffer.of((value[10] as number) | 128, 0)
  return Buffer.concat([value.subarray(0, 10), longer, value.subarray(11)])
}

test('another network, signer, height or root is named for what it is', () => {
  const log = plantLog(NETWORK, 0, 8)
  const [upload] = cutLog(NETWORK, 0, log, WIDE, SIGNER) as [Upload]
  const other = testNetwork({ salt: 'other' })
  const [strange] = cutLog(other, 0, plantLog(other, 0, 8), WIDE, SIGNER) as [Upload]
  expect(codeOf(keptOf(strange))).toBe('archive-segment-foreign')
  const retagged = (name: string, value: string): Kept =>
    keptOf({ ...upload, tags: upload.tags.map((tag) => (tag.name === name ? { name, value } : tag)) })
  expect(codeOf(retagged('HB-To', '9'))).toBe('archive-segment-altered')
  expect(codeOf(retagged('HB-Root', idOf('root')))).toBe('archive-segment-altered')
  expect(codeOf(retagged('HB-From', '-1'))).toBe('archive-segment-foreign')
  expect(codeOf(retagged('HB-Format', '2'))).toBe('archive-format-unsupported')
  expect(codeOf({ ...keptOf(upload), owner: idOf('somebody') })).toBe('archive-segment-altered')
})

test('the same range of a log gives the same order, whatever stood between and whoever wrote it', () => {
  const log = plantLog(NETWORK, 0, 30)
  const bare = { records: log.entries.map(({ value }) => ({ key: null, value })) }
  const orders = [log, bare].map((each) =>
    cutLog(NETWORK, 0, each, { heightsMax: 10, bytesMax: 1e6 }, signer()).map(({ data }) =>
      toBase64Url((parseBundle(data).at(-1) as { data: Buffer }).data),
    ),
  )
  expect(orders[0]?.length).toBe(3)
  expect(orders[1]).toEqual(orders[0])
})

test('others read it: the bundle by arbundles, each message by its id, the order by avsc', async () => {
  const log = plantLog(NETWORK, 0, 20)
  const [upload] = cutLog(NETWORK, 0, log, WIDE, SIGNER) as [Upload]
  const bundle = new Bundle(asBuffer(upload.data))
  expect(await bundle.verify()).toBe(true)
  const signed = log.entries.filter(({ entry }) => entry.message.from === 'wallet')
  expect(signed.length).toBeGreaterThan(5)
  expect(bundle.getIds().slice(0, -1)).toEqual(signed.map(({ entry }) => entry.message.id))
  const order = bundle.items.at(-1)!
  expect(order.tags).toContainEqual({ name: 'HB-Type', value: 'Order' })
  const rows: { height: number; hash: Buffer }[] = []
  const decoder = Readable.from([order.rawData]).pipe(new avro.streams.BlockDecoder())
  for await (const row of decoder) rows.push(row as { height: number; hash: Buffer })
  expect(rows.map(({ height }) => height)).toEqual([...rows.keys()])
  expect(rows.map(({ hash }) => toBase64Url(hash))).toEqual(
    log.entries.map(({ entry }) => toBase64Url(entry.hash)),
  )
})
