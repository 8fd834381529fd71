// What is said of ingress without the log: which records may ask for a place, and why others may
// not. That those are in the dead letters, and answered, is in service.test.ts.

import { describe, expect, test } from '@jest/globals'
import type { LogRecord, StoredRecord } from '../../src/log/port.ts'
import { Records, relayedRecord } from '../../src/protocol/codec/records.ts'
import { SCHEMAS } from '../../src/protocol/codec/schemas.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import type { WriterSchema } from '../../src/schemas/port.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { Tracing } from '../../src/std/trace.ts'
import { carryTracing } from '../../src/std/trace.ts'
import { ForeignSchemas } from '../../src/sequencer/foreign-schemas.ts'
import type { Unusable } from '../../src/sequencer/foreign-schemas.ts'
import type { Checked, IngressCheckOptions } from '../../src/sequencer/ingress-check.ts'
import { IngressCheck } from '../../src/sequencer/ingress-check.ts'
import { noSequencerFigures } from '../../src/sequencer/ports.ts'
import { createInlineVerifier } from '../../src/verifier/index.ts'
import type { Verdict, Verifier } from '../../src/verifier/port.ts'
import { codeOf, ed25519Key, idOf, makeContent, ORIGIN } from '../protocol/fixtures.ts'
import { signedItem, testNetwork } from '../protocol/fixtures.ts'

const network = testNetwork()
const { partitions, limits } = network.genesis
const TARGET = idOf('target')
const PARTITION = partitionOf(TARGET, partitions)
const records = new Records()
const wallet = ed25519Key()
const FAULT: Verdict = { ok: false, code: 'verifier-worker-died', text: 'gone' }

/** The real verifier, but for `faults` calls of which the last item is answered with a fault. */
function verifierWith(faults = 0): Verifier & { readonly asked: (readonly Uint8Array[])[] } {
  const inner = createInlineVerifier()
  const asked: (readonly Uint8Array[])[] = []
  return {
    asked,
    close: () => inner.close(),
    verify: async (items) => {
      asked.push(items)
      const verdicts = await inner.verify(items)
      return asked.length > faults ? verdicts : [...verdicts.slice(0, -1), FAULT]
    },
  }
}

function checkWith(change: Partial<IngressCheckOptions> = {}): IngressCheck {
  return new IngressCheck({
    network,
    partition: PARTITION,
    records,
    clock: systemClock,
    verifier: createInlineVerifier(),
    limits: { retryDelayMs: 1 },
    tracing: carryTracing(),
    signal: new AbortController().signal,
    ...change,
  })
}

function item(data: string, target = TARGET): Buffer {
  return signedItem(network, wallet, { target, data })
}

const signed = (bytes: Buffer): Buffer => records.encodeIngress({ type: 'signed', item: bytes })

function relayed(seq: number, data = Buffer.alloc(0)): Buffer {
  const sent = { ...makeContent({ data }), seq }
  const record = relayedRecord(idOf('caller'), { ...ORIGIN, seq }, sent)
  return records.encodeIngress({ type: 'relayed', relayed: record })
}

/** As ingress gives it back, with the target's key unless another one is named. */
function stored(value: Buffer | null, change: Partial<LogRecord> = {}): StoredRecord {
  return { key: TARGET, value, offset: 0, timestamp: 1, ...change }
}

/** With one bit of its last byte turned over: the id is the same, the signature does not hold. */
function forged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1
  return copy
}

/** Where the candidates stand in the batch; so do the refusals below, with their codes. */
function places({ candidates }: Checked, all: readonly StoredRecord[]): number[] {
  return candidates.map(({ source }) => all.indexOf(source as StoredRecord))
}

function refusals({ refused }: Checked, all: readonly StoredRecord[]): [number, string][] {
  return refused.map(({ record, error }) => [all.indexOf(record), error.code])
}

describe('the check of ingress', () => {
  test('every record comes back once: candidates in the order of ingress, or refused', async () => {
    const elsewhere = Array.from({ length: 50 }, (_, n) => idOf(`other ${n}`)).find(
      (id) => partitionOf(id, partitions) !== PARTITION,
    ) as string
    const all = [
      stored(signed(item('a'))),
      stored(null),
      stored(signed(forged(item('b')))),
      stored(relayed(1)),
      stored(Buffer.from('junk')),
      stored(signed(item('c'))),
      stored(signed(item('d', elsewhere)), { key: elsewhere }),
      stored(signed(item('e')), { key: 'another' }),
      stored(signed(item('f')), { key: null }),
      stored(relayed(0)),
      stored(relayed(2)),
    ]
    const checked = await checkWith().check(all)
    expect(places(checked, all)).toEqual([0, 3, 5, 10])
    const malformed = [1, 4, 6, 7, 8, 9].map((at) => [at, 'record-malformed'])
    expect(refusals(checked, all)).toEqual([...malformed, [2, 'signature-invalid']])
    expect(checked.refused.map(({ error }) => error.detail)).toEqual(
      expect.arrayContaining([
        'an empty record',
        `${elsewhere} is of partition ${partitionOf(elsewhere, partitions)}`,
        `the key is "another", its process ${TARGET}`,
        `the key is null, its process ${TARGET}`,
      ]),
    )
  })

  test('a record may be as large as genesis allows, and no byte larger', async () => {
    const large = limits.messageBytesMax - 1_000
    const room = limits.messageBytesMax - relayed(1, Buffer.alloc(large)).length
    const all = [0, 1].map((more) => stored(relayed(1, Buffer.alloc(large + room + more))))
    expect(all.map(({ value }) => value?.length)).toEqual([
      limits.messageBytesMax,
      limits.messageBytesMax + 1,
    ])
    const checked = await checkWith().check(all)
    expect(places(checked, all)).toEqual([0])
    expect(refusals(checked, all)).toEqual([[1, 'message-too-large']])
  })

  test('only signatures are verified, all of a batch in one request', async () => {
    const verifier = verifierWith()
    const check = checkWith({ verifier })
    const both = [item('a'), item('b')] as const
    await check.check([stored(relayed(1)), stored(null)])
    expect(verifier.asked).toEqual([])
    await check.check([stored(signed(both[0])), stored(relayed(1)), stored(signed(both[1]))])
    expect(verifier.asked).toEqual([both])
  })

  test('one record alone is read without a look at its signature', () => {
    const good = item('x')
    const record = stored(signed(forged(good)))
    const { message, source, unclear } = checkWith().candidate(record)
    expect(message.id).toBe(signedMessage(network, good).id)
    expect([message.process, message.from, source, unclear]).toEqual([
      TARGET,
      'wallet',
      record,
      false,
    ])
    expect(codeOf(() => checkWith().candidate(stored(null)))).toBe('record-malformed')
  })
})

describe('a fault of the verifier', () => {
  const slept: number[] = []
  const clock = { now: () => 0, sleep: async (delayMs: number) => void slept.push(delayMs) }
  const all = [forged(item('bad')), item('good')].map((each) => stored(signed(each)))

  test('is no verdict: the whole batch is asked again, after longer and longer pauses', async () => {
    slept.length = 0
    const verifier = verifierWith(4)
    const check = checkWith({ verifier, clock, limits: { retryDelayMs: 10 } })
    const checked = await check.check(all)
    expect(places(checked, all)).toEqual([1])
    expect(refusals(checked, all)).toEqual([[0, 'signature-invalid']])
    expect(slept).toEqual([10, 20, 30, 40])
    expect(verifier.asked.map(({ length }) => length)).toEqual(Array(5).fill(2))
  })

  test('five times in a row ends the batch, and so does one where the partition is lost', async () => {
    for (const [isLost, tries] of [[false, 5], [true, 1]] as const) {
      const verifier = verifierWith(9)
      const signal = isLost ? AbortSignal.abort() : new AbortController().signal
      const check = checkWith({ verifier, clock, signal })
      await expect(check.check(all)).rejects.toMatchObject({ code: FAULT.code })
      expect(verifier.asked.length).toBe(tries)
    }
  })
})

test('a leg begins with the trace that came, and ends where the signature does not hold', async () => {
  const parent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  const told: string[] = []
  const tracing: Tracing = {
    begin: (name, trace, partition, process, message) => {
      told.push([name, trace?.parent, partition, process, message].join(' '))
      return { trace: trace ?? { parent }, end: (code) => void told.push(`${message} ${code}`) }
    },
  }
  const items = [item('good'), forged(item('bad'))]
  const ids = items.map((each) => signedMessage(network, each).id)
  const headers = { traceparent: parent }
  const all = items.map((each) => stored(signed(each), { headers }))
  const { candidates } = await checkWith({ tracing }).check([stored(null, { headers }), ...all])
  const begun = ids.map((id) => `hb.sequence ${parent} ${PARTITION} ${TARGET} ${id}`)
  expect(told).toEqual([...begun, `${ids[1]} signature-invalid`])
  expect(candidates.map(({ leg }) => leg?.trace.parent)).toEqual([parent])
})

describe('records with schemas of a registry', () => {
  /** As a registry's client writes it, with our schema. */
  function foreign(id: number, bytes: Buffer): Buffer {
    const header = Buffer.alloc(5)
    header.writeInt32BE(id, 1)
    return Buffer.concat([header, signed(bytes).subarray(10)])
  }

  function schemasOf(known: ReadonlyMap<number, WriterSchema>): ForeignSchemas {
    return new ForeignSchemas({
      schemas: {
        writerSchema: async (id) => known.get(id) ?? { type: 'unusable', text: `no schema ${id}` },
      },
      records,
      clock: systemClock,
      retryDelayMs: 1,
      figures: noSequencerFigures(),
    })
  }

  test('what was learned is read; what cannot be used is refused with its reason', async () => {
    const schemas = schemasOf(new Map([[7, { type: 'avro', schema: SCHEMAS.ingress }]]))
    const unusable: Unusable = new Map()
    const { signal } = new AbortController()
    for (const id of [7, 9]) await schemas.learn(id, unusable, signal, () => undefined)
    const all = [
      stored(foreign(9, item('a'))),
      stored(foreign(7, item('b'))),
      stored(signed(item('c'))),
      stored(foreign(7, forged(item('d')))),
    ]
    const check = checkWith({ foreign: schemas })
    expect(all.map((each) => check.isForeign(each))).toEqual([true, true, false, true])
    expect(check.isForeign(stored(null))).toBe(false)
    const checked = await check.check(all, unusable)
    expect(places(checked, all)).toEqual([1, 2])
    const codes = [[0, 'writer-schema-unusable'], [3, 'signature-invalid']]
    expect(refusals(checked, all)).toEqual(codes)
    expect(checked.refused[0]?.error.detail).toBe('no schema 9')
    // for this batch only, and to ask is not for the check: no refusal, but a fault of the code
    await expect(check.check(all)).rejects.toThrow('schema 9 was not asked for')
  })

  test('without a registry they are malformed, as any that is not ours', async () => {
    const record = stored(foreign(7, item('a')))
    const check = checkWith()
    expect(check.isForeign(record)).toBe(false)
    expect(refusals(await check.check([record]), [record])).toEqual([[0, 'record-malformed']])
  })
})
