// Bundles: several data items in one piece, each to be found by its id.
//
//   u256 number of items | per item: u256 bytes, 32 bytes id | the items, one behind the other
//   (integers little-endian)
//
// Source: ANS-104, section 2.2 (binary format). Invariants: B1 a list of items has one bundle, and
// no byte of it is left over. B2 the ids of the head are those of the items.

import { asBuffer, toBase64Url } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { parseDataItem, type DataItem } from './data-item.ts'
import type { Tag } from './format.ts'

const NUMBER_BYTES = 32
const HEAD_BYTES = 64

/** What the standard asks of the transaction or data item whose data are a bundle. */
export const BUNDLE_TAGS: readonly Tag[] = [
  { name: 'Bundle-Format', value: 'binary' },
  { name: 'Bundle-Version', value: '2.0.0' },
]

/** With the id that is its own: a parsed item is one. */
export type BundleItem = { readonly id: string; readonly bytes: Uint8Array }

const PAGE_BYTES = 262_144

/** A bundle of items that come one by one: nothing is kept of an item but its bytes, copied. */
export class BundleWriter {
  #heads = Buffer.alloc(64 * HEAD_BYTES)
  /** An item is in one page. */
  readonly #pages: Buffer[] = []
  /** Of each item: its page, and where it begins in it. */
  readonly #places: number[] = []
  /** Bytes in use of the last page, and of those before it. */
  #used = 0
  #before = 0
  #count = 0

  get length(): number {
    return this.#count
  }

  add({ id, bytes }: BundleItem): void {
    let page = this.#pages.at(-1)
    if (page === undefined || this.#used + bytes.length > page.length) {
      if (page !== undefined) this.#pages[this.#pages.length - 1] = page.subarray(0, this.#used)
      this.#before += this.#used
      this.#used = 0
      page = Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, bytes.length))
      this.#pages.push(page)
    }
    this.#places.push(this.#pages.length - 1, this.#used)
    page.set(bytes, this.#used)
    this.#used += bytes.length
    this.#writeHead(id, bytes.length)
    this.#count += 1
  }

  /** Whether the item at this place (from 0) has these bytes. */
  isAt(place: number, bytes: Uint8Array): boolean {
    const length = readNumber(this.#heads, HEAD_BYTES * place)
    const page = this.#pages[this.#places[2 * place] as number] as Buffer
    const at = this.#places[2 * place + 1] as number
    return length === bytes.length && page.subarray(at, at + length).equals(bytes)
  }

  finish(): Buffer {
    const head = NUMBER_BYTES + HEAD_BYTES * this.#count
    const out = Buffer.allocUnsafe(head + this.#before + this.#used)
    out.fill(0, 0, NUMBER_BYTES)
    writeNumber(out, 0, this.#count)
    this.#heads.copy(out, NUMBER_BYTES, 0, HEAD_BYTES * this.#count)
    let at = head
    for (const [index, page] of this.#pages.entries()) {
      const isLast = index === this.#pages.length - 1
      at += page.copy(out, at, 0, isLast ? this.#used : page.length)
    }
    return out
  }

  #writeHead(id: string, bytes: number): void {
    const at = HEAD_BYTES * this.#count
    if (at === this.#heads.length) {
      const grown = Buffer.alloc(2 * at)
      this.#heads.copy(grown)
      this.#heads = grown
    }
    writeNumber(this.#heads, at, bytes)
    this.#heads.write(id, at + NUMBER_BYTES, 'base64url')
  }
}

/** Items in their order, as views of the bytes. Throws `bundle-malformed`. */
export function parseBundle(input: Uint8Array): DataItem[] {
  const bytes = asBuffer(input)
  const count = readNumber(bytes, 0)
  let at = NUMBER_BYTES + HEAD_BYTES * count
  if (at > bytes.length) throw malformed(`${count} items are more than its bytes can hold`)
  const items: DataItem[] = []
  for (let index = 0; index < count; index++) {
    const head = NUMBER_BYTES + HEAD_BYTES * index
    const end = at + readNumber(bytes, head)
    if (end > bytes.length) throw malformed(`item ${index} is cut off`)
    const id = toBase64Url(bytes.subarray(head + NUMBER_BYTES, head + HEAD_BYTES))
    items.push(itemOf(bytes.subarray(at, end), index, id))
    at = end
  }
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes behind its last item`)
  return items
}

function itemOf(bytes: Buffer, index: number, id: string): DataItem {
  let item: DataItem
  try {
    item = parseDataItem(bytes)
  } catch (error) {
    const why = error instanceof HbError ? error.message : String(error)
    throw new HbError('bundle-malformed', `item ${index}: ${why}`, { cause: error })
  }
  if (item.id !== id) throw malformed(`item ${index} is ${item.id}, the head says ${id}`)
  return item
}

function writeNumber(out: Buffer, at: number, value: number): void {
  out.writeUIntLE(value, at, 6)
}

function readNumber(bytes: Buffer, at: number): number {
  if (at + NUMBER_BYTES > bytes.length) throw malformed('it is cut off in its head')
  for (let i = at + 6; i < at + NUMBER_BYTES; i++) {
    if (bytes[i] !== 0) throw malformed(`a number at byte ${at} is over every limit`)
  }
  return bytes.readUIntLE(at, 6)
}

function malformed(detail: string): HbError {
  return new HbError('bundle-malformed', detail)
}
