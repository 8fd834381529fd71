import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { generateWallet } from '../../../src/client/index.ts'
import {
  BundleWriter,
  parseBundle,
  parseDataItem,
} from '../../../src/protocol/ans104/index.ts'
import { asBuffer } from '../../../src/std/bytes.ts'

const wallet = await generateWallet('ed25519')
const itemOf = (data: Uint8Array) => parseDataItem(wallet.sign({ data }))

/** The standard's layout, word for word. */
function bundleByDefinition(items: readonly { id: string; bytes: Uint8Array }[]): Buffer {
  const number = (value: number): Buffer => {
    const out = Buffer.alloc(32)
    out.writeUInt32LE(value)
    return out
  }
  const heads = items.map(({ id, bytes }) =>
    Buffer.concat([number(bytes.length), Buffer.from(id, 'base64url')]),
  )
  return Buffer.concat([number(items.length), ...heads, ...items.map(({ bytes }) => bytes)])
}

test('item by item it becomes the standard’s layout, and is read back', () => {
  const datas = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 150 })
  fc.assert(
    fc.property(datas, (all) => {
      const items = all.map(itemOf)
      const writer = new BundleWriter()
      for (const item of items) writer.add(item)
      const bundle = writer.finish()
      expect(bundle.equals(bundleByDefinition(items))).toBe(true)
      expect(parseBundle(bundle).map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    }),
    { numRuns: 25 },
  )
})

test('items as long as they like, and each is found in its place', () => {
  const sizes = [10, 262_000, 262_144, 300_000, 1, 700_000, 100_000, 162_000]
  const items = sizes.map((size, at) => itemOf(Buffer.alloc(size, at)))
  const writer = new BundleWriter()
  for (const item of items) {
    expect(writer.length).toBe(items.indexOf(item))
    writer.add(item)
  }
  expect(writer.finish().equals(bundleByDefinition(items))).toBe(true)
  items.forEach(({ bytes }, place) => {
    expect(writer.isAt(place, bytes)).toBe(true)
    const other = asBuffer(bytes.slice())
    other[other.length - 1] = 99
    expect(writer.isAt(place, other)).toBe(false)
    expect(writer.isAt(place, bytes.subarray(1))).toBe(false)
  })
})

test('what is added is copied: its bytes may change afterwards', () => {
  const item = itemOf(Buffer.from('as it was'))
  const before = Buffer.from(item.bytes)
  const writer = new BundleWriter()
  writer.add(item)
  item.bytes.fill(0)
  expect(parseBundle(writer.finish())[0]?.bytes.equals(before)).toBe(true)
})
