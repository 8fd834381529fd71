// fast-check arbitraries of the protocol's own shapes: what any well-formed party could write.

import fc from 'fast-check'
import type { EntryRecord, RelayedRecord, WireMessage } from '../../src/protocol/codec/records.ts'
import { parseStrictJson } from '../../src/protocol/json.ts'
import type { Content, MessageKind, Tag } from '../../src/protocol/message.ts'
import { MESSAGE_KINDS } from '../../src/protocol/message.ts'
import type { Result, Run } from '../../src/protocol/result.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { codeOf } from './fixtures.ts'

/** Well-formed Unicode, every plane. */
export const text = fc.string({ unit: 'binary', maxLength: 24 })
export const bytes = fc.uint8Array({ maxLength: 64 }).map((part) => Buffer.from(part))
export const hash32 = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((part) => Buffer.from(part))
export const id = hash32.map((part) => toBase64Url(part))
export const whole = fc.oneof(
  fc.nat(),
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  fc.constantFrom(0, 63, 64, 8191, 8192, 2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER),
)
export const fromMinusOne = fc.oneof(fc.constant(-1), whole)
export const int32 = fc.oneof(fc.nat(), fc.constantFrom(0, 2 ** 31 - 1))
export const budget = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String)
export const tag: fc.Arbitrary<Tag> = fc.record({ name: text, value: text })
/** What the door takes as a message's input, a few levels deep. */
export const strictJson = fc
  .jsonValue({ maxDepth: 2 })
  .filter((value) => codeOf(() => parseStrictJson(JSON.stringify(value))) === 'none')
const longs = fc.array(whole, { maxLength: 5 })
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { nil: null })

export const content: fc.Arbitrary<Content> = fc.record({
  kind: fc.constantFrom<MessageKind>(...MESSAGE_KINDS),
  target: fc.oneof(fc.constant(''), id),
  tags: fc.array(tag, { maxLength: 5 }),
  data: bytes,
  hops: whole,
  count: whole,
  budget,
})

export const relayed: fc.Arbitrary<RelayedRecord> = fc
  .tuple(
    content,
    fc.record({ partition: int32, height: whole, index: int32, seq: whole }),
    fc.record({ caller: id, attestation: orNull(bytes) }),
  )
  .map(([body, origin, rest]) => ({ ...body, ...origin, ...rest }))

const signed = bytes.map((item): WireMessage => ({ type: 'signed', item }))
export const ingress: fc.Arbitrary<WireMessage> = fc.oneof(
  signed,
  relayed.map((record): WireMessage => ({ type: 'relayed', relayed: record })),
)
export const wireMessage: fc.Arbitrary<WireMessage> = fc.oneof(
  ingress,
  text.map((name): WireMessage => ({ type: 'genesis', name })),
)

export const entryRecord: fc.Arbitrary<EntryRecord> = fc.record({
  height: whole,
  prev: hash32,
  timestamp: whole,
  admission: fc.record({ systemHeight: fromMinusOne, attestation: orNull(hash32) }),
  message: wireMessage,
})

const outgoing = fc
  .tuple(content, whole)
  .map(([body, seq]): Result['messages'][number] => ({ ...body, seq }))

export const result: fc.Arbitrary<Result> = fc.record({
  height: whole,
  entryHash: hash32,
  messageId: id,
  process: id,
  slot: fromMinusOne,
  status: fc.constantFrom('ok', 'error'),
  code: text,
  text,
  gas: whole,
  stateHash: hash32,
  messages: fc.array(outgoing, { maxLength: 4 }),
})

export const run: fc.Arbitrary<Run> = fc.record({
  partition: int32,
  from: whole,
  results: fc.array(result, { maxLength: 4 }),
  attestation: orNull(bytes),
})

export const claim = fc.record({ member: text, generation: whole, nonce: text })
export const head = fc.record({
  partition: int32,
  height: fromMinusOne,
  hash: hash32,
  timestamp: whole,
  counters: longs,
})
export const module = fc.record({ engine: text, source: text })
export const snapshot = fc.record({
  process: id,
  height: whole,
  slot: whole,
  full: fc.boolean(),
  part: int32,
  parts: int32,
  text: bytes,
})
export const manifest = fc.record({
  partition: int32,
  height: whole,
  hash: hash32,
  timestamp: whole,
  counters: longs,
  outgoing: longs,
  root: hash32,
  indexHash: orNull(hash32),
  offsetHint: fromMinusOne,
  part: int32,
  parts: int32,
  modules: fc.array(id),
  processes: fc.array(
    fc.record({
      process: id,
      slot: whole,
      stateHash: hash32,
      failed: fc.boolean(),
      engine: text,
      module: text,
      fullHeight: fromMinusOne,
      fullHash: hash32,
      deltaHeights: longs,
      deltaHash: hash32,
    }),
    { maxLength: 3 },
  ),
})
