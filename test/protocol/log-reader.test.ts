import { describe, expect, test } from '@jest/globals'
import { accept, copyView, initialView } from '../../src/protocol/accept.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { entryOf, readRecord } from '../../src/protocol/log-reader.ts'

const network = openNetwork(
  makeGenesis({
    name: 'reader',
    salt: 'reader',
    partitions: 1,
    sandbox: { engine: 'none', version: '0' },
    processes: [{ name: 'one', engine: 'quickjs', source: 'exports.handle=()=>({})', state: {} }],
  }),
)
const records = new Records()
const start = initialView(network.id, 0, 1)

function entryBytes(height: number, prev: Uint8Array): Buffer {
  return records.encodeEntry({
    height,
    prev: Buffer.from(prev),
    timestamp: 1,
    admission: { systemHeight: -1, attestation: null },
    message: { type: 'genesis', name: 'one' },
  })
}

describe('a record of the log', () => {
  test('that extends the chain is an entry, and moves the view', () => {
    const view = copyView(start)
    const bytes = entryBytes(0, start.hash)
    const read = readRecord(network, records, view, bytes)
    const entry = entryOf(network, 0, records.decodeEntry(bytes))
    expect(read).toMatchObject({ type: 'entry', entry })
    expect(accept(start, entry)).toBeUndefined()
    expect(view).toMatchObject({ height: 0, hash: entry.hash, timestamp: 1 })
  })

  test.each<[string, Buffer | null, string]>([
    ['empty', null, 'form'],
    ['garbage', Buffer.from('no record of ours'), 'form'],
    ['cut off', entryBytes(0, start.hash).subarray(0, 30), 'form'],
    ['of another height', entryBytes(1, start.hash), 'height'],
    ['behind another entry', entryBytes(0, Buffer.alloc(32, 7)), 'prev'],
  ])('that is %s is superseded, and moves nothing', (_, value, why) => {
    const view = copyView(start)
    expect(readRecord(network, records, view, value)).toMatchObject({ type: 'superseded', why })
    expect(view).toEqual(start)
  })

  test('that is a claim is no entry', () => {
    const claim = { member: 'm', generation: 3, nonce: 'n' }
    const view = copyView(start)
    const read = readRecord(network, records, view, records.claim.encode(claim))
    expect(read).toEqual({ type: 'claim', claim })
    expect(view).toEqual(start)
  })

  test('of a schema that is not known halts the reader', () => {
    const unknown = Buffer.from(entryBytes(0, start.hash))
    unknown[5] = (unknown[5] as number) ^ 1
    expect(() => readRecord(network, records, copyView(start), unknown)).toThrow(/schema/)
  })
})
