import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Records } from '../../../src/protocol/codec/records.ts'
import * as any from '../arbitraries.ts'
import { codeOf } from '../fixtures.ts'

const records = new Records()

type Row = {
  readonly name: string
  readonly values: fc.Arbitrary<unknown>
  readonly encode: (value: never) => Buffer
  readonly decode: (bytes: Buffer) => unknown
}

const codec = (
  name: 'claim' | 'head' | 'module' | 'snapshot' | 'manifest',
): Row => ({
  name,
  values: any[name],
  encode: (value) => records[name].encode(value),
  decode: (bytes) => records[name].decode(bytes),
})

const ROWS: readonly Row[] = [
  {
    name: 'ingress',
    values: any.ingress,
    encode: (value) => records.encodeIngress(value),
    decode: (bytes) => records.decodeIngress(bytes),
  },
  {
    name: 'entry',
    values: any.entryRecord,
    encode: (value) => records.encodeEntry(value),
    decode: (bytes) => records.decodeEntry(bytes),
  },
  {
    name: 'run',
    values: any.run,
    encode: (value) => records.encodeRun(value),
    decode: (bytes) => records.decodeRun(bytes),
  },
  ...(['claim', 'head', 'module', 'snapshot', 'manifest'] as const).map(codec),
]

/** The value as JSON text with sorted keys, bytes as hex: what two equal values share. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    const { type, data } = part as { type?: unknown; data?: unknown }
    if (type === 'Buffer' && Array.isArray(data)) return Buffer.from(data as number[]).toString(
      'hex',
    )
    if (part instanceof Uint8Array) return Buffer.from(part).toString('hex')
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** Plain Uint8Arrays instead of Buffers, as they come out of a worker thread. */
function withoutBuffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(withoutBuffers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutBuffers(part)]))
}

const flip = (bytes: Buffer, at: number, bit: number): Buffer => {
  const other = Buffer.from(bytes)
  other[at] = (other[at] as number) ^ (1 << bit)
  return other
}

describe.each(ROWS)('$name', ({ values, encode, decode }) => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(plain(decode(encode(value as never)))).toBe(plain(value))
      }),
    )
  })

  test('may be given bytes of any kind of array', () => {
    fc.assert(
      fc.property(values, (value) => {
        const other = withoutBuffers(value) as never
        expect(encode(other).equals(encode(value as never))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('is refused where it is cut off, and where a byte is left over', () => {
    fc.assert(
      fc.property(values, (value) => {
        const whole = encode(value as never)
        for (let end = 0; end < whole.length; end++) {
          expect(codeOf(() => decode(whole.subarray(0, end)))).toBe('record-malformed')
        }
        for (const extra of [[0], [255], [2, 0]]) {
          const longer = Buffer.concat([whole, Buffer.from(extra)])
          expect(codeOf(() => decode(longer))).toBe('record-malformed')
        }
      }),
      { numRuns: 10 },
    )
  })

  test('with any bit changed is another value or malformed, nothing else', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat({ max: 7 }), (value, place, bit) => {
        const whole = encode(value as never)
        const other = flip(whole, place % whole.length, bit)
        expect(['none', 'record-malformed']).toContain(codeOf(() => decode(other)))
      }),
      { numRuns: 300 },
    )
  })

  test('out of garbage is malformed, nothing else', () => {
    const garbage = fc.uint8Array({ maxLength: 200 })
    const [first] = fc.sample(values, 1)
    const header = encode(first as never).subarray(0, 10)
    fc.assert(
      fc.property(garbage, (body) => {
        expect(codeOf(() => decode(Buffer.from(body)))).toBe('record-malformed')
        const marked = Buffer.concat([header, body])
        expect(['none', 'record-malformed']).toContain(codeOf(() => decode(marked)))
      }),
      { numRuns: 300 },
    )
  })

  test('of another topic is malformed', () => {
    for (const row of ROWS) {
      if (row.decode === decode) continue
      const [value] = fc.sample(row.values, 1)
      expect(codeOf(() => decode(row.encode(value as never)))).toBe('record-malformed')
    }
  })
})

test('an entry is known from a claim by its header', () => {
  const [entry] = fc.sample(any.entryRecord, 1)
  expect(records.isEntry(records.encodeEntry(entry as never))).toBe(true)
  const claim = records.claim.encode({ member: 'm', generation: 1, nonce: 'n' })
  expect(records.isEntry(claim)).toBe(false)
  expect(records.claim.matches(claim)).toBe(true)
})

test('what cannot be written exactly is not written', () => {
  const claim = { member: 'm', nonce: 'n' }
  expect(() => records.claim.encode({ ...claim, generation: 1.5 })).toThrow()
  expect(() => records.claim.encode({ ...claim, generation: 2 ** 60 })).toThrow()
  const head = { partition: 0, height: 0, timestamp: 0, counters: [] }
  expect(() => records.head.encode({ ...head, hash: Buffer.alloc(31) })).toThrow()
  const hash = Buffer.alloc(32)
  expect(() => records.head.encode({ ...head, hash })).not.toThrow()
  expect(() => records.head.encode({ ...head, hash, partition: 2 ** 31 })).toThrow()
})
