// The sequencer as a service: refusals and dead letters, expiry, restarts on other logs, and
// partitions that fail alone.

import { afterEach, describe, expect, test } from '@jest/globals'
import type { Log } from '../../src/log/port.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { relayedRecord } from '../../src/protocol/codec/records.ts'
import { ED25519 } from '../../src/protocol/ans104/index.ts'
import type { HbError } from '../../src/std/errors.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { AppendFault, FaultyLog } from '../log/faulty-log.ts'
import { faultyLog } from '../log/faulty-log.ts'
import { passing } from '../../src/log/passing/index.ts'
import { Rig, rigNetwork, RECORDS, TOPICS } from '../node/rig.ts'
import { idOf, makeContent } from '../protocol/fixtures.ts'
import { besideTheGroup } from './split-brain.ts'

const network = rigNetwork(['walk'], { partitions: 2 })

describe('the sequencer', () => {
  let rig: Rig
  afterEach(() => rig.close())

  async function open(only: (topic: string) => boolean = () => false): Promise<FaultyLog> {
    let faulty: FaultyLog | undefined
    rig = await Rig.open(network, (log: Log) => (faulty = faultyLog(log, { only })))
    return faulty as FaultyLog
  }

  async function until(what: () => Promise<boolean> | boolean, timeoutMs = 3_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!(await what())) {
      if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${String(what)}`)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }

  const committed = async (partition = 0): Promise<boolean> => {
    const { end } = (await rig.log.ends(TOPICS.ingress))[partition] ?? { end: 0 }
    return end === ((await rig.log.committed('hb.sequencer', TOPICS.ingress))[partition] ?? 0)
  }

  type Letter = { value: Uint8Array | null; headers: Record<string, string> }
  const letters = async (): Promise<Letter[]> => {
    const { records } = await rig.log.read(TOPICS.deadletters, 0, 0)
    return records.map(({ value, headers }) => ({ value, headers: { ...headers } }))
  }

  test('what no wallet may send goes to the dead letters, with its reason', async () => {
    await open()
    const { service, halted } = await rig.sequencer()
    const good = rig.item(rig.id('walk-0'))
    const bad = Buffer.from(good)
    bad[80] = (bad[80] as number) ^ 1
    const key = rig.id('walk-0')
    const put = async (value: Buffer | null): Promise<void> =>
      void (await rig.log.append(TOPICS.ingress, 0, [{ key, value, headers: { h: '1' } }]))
    await put(Buffer.from('garbage'))
    await put(null)
    await put(RECORDS.claim.encode({ member: 'm', generation: 1, nonce: 'n' }))
    await put(RECORDS.encodeIngress({ type: 'signed', item: rig.item(rig.id('walk-1')) }))
    const forged = signatureOf(good)
    await put(RECORDS.encodeIngress({ type: 'signed', item: forged }))
    await put(RECORDS.encodeIngress({ type: 'signed', item: Buffer.alloc(300_000, good) }))
    const value = RECORDS.encodeIngress({ type: 'signed', item: good })
    await rig.log.append(TOPICS.ingress, 0, [{ key: 'k', value }])
    await rig.log.append(TOPICS.ingress, 0, [{ key: null, value }])
    await rig.send(good)
    await until(() => committed())
    const found = await letters()
    expect(found.map(({ headers }) => headers['__connect.errors.exception.class.name'])).toEqual([
      'record-malformed',
      'record-malformed',
      'record-malformed',
      'record-malformed',
      'message-too-large',
      'record-malformed',
      'record-malformed',
      'signature-invalid',
    ])
    expect(found[0]?.headers).toMatchObject({
      h: '1',
      '__connect.errors.topic': 'hb.ingress',
      '__connect.errors.partition': '0',
      '__connect.errors.offset': '0',
    })
    expect(Buffer.from(found[0]?.value as Uint8Array).toString()).toBe('garbage')
    const { entries } = await rig.chain(0)
    expect(entries.map(({ message }) => message.from)).toEqual(['genesis', 'wallet'])
    expect(service.figures.refused).toBe(8)
    expect(halted).toEqual([])
  })

  test('a forgery with the id of another message does not make that one refused', async () => {
    await open()
    const refused: string[] = []
    const { service } = await rig.sequencer({ listener: { refused: (id) => refused.push(id) } })
    const good = rig.item(rig.id('walk-0'), 'the data')
    const forged = Buffer.from(good)
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
    const value = RECORDS.encodeIngress({ type: 'signed', item: forged })
    await rig.log.append(TOPICS.ingress, 0, [{ key: rig.id('walk-0'), value }])
    const [id] = await rig.send(good)
    await until(() => committed())
    expect(signedMessage(network, forged).id).toBe(id)
    expect((await letters()).length).toBe(1)
    expect(refused).toEqual([])
    expect(service.find(id as string)?.place.height).toBe(1)
  })

  test('an index of another network is not believed', async () => {
    await open()
    const store = createMemoryStore()
    const other = await Rig.open(rigNetwork(['walk', 'counter'], { partitions: 2, salt: 'other' }))
    // a take-over that got no further than its claim
    let refusing = true
    const claimsOnly: Log = {
      ...passing(other.log),
      append: async (topic, partition, records) => {
        const entry = records[0]?.headers?.['hb-process'] !== undefined
        if (entry && refusing) throw new Error('no entries')
        return other.log.append(topic, partition, records)
      },
    }
    const first = await other.sequencer({ log: claimsOnly, store })
    await until(() => first.halted.length > 0)
    refusing = false
    await other.close()
    // this log is as long as that one, so that only the index's own view could tell
    const junk = { key: null, value: Buffer.from('junk') }
    for (const partition of [0, 1]) await rig.log.append(TOPICS.log, partition, [junk, junk])
    const { halted } = await rig.sequencer({ store })
    await rig.send(rig.item(rig.id('walk-0')), rig.item(rig.id('walk-1')))
    await until(async () => (await committed(0)) && (await committed(1)))
    expect(halted).toEqual([])
    for (const partition of [0, 1]) expect((await rig.chain(partition)).entries.length).toBe(2)
  })

  test('a record too large for the log, or for a dead letter, halts nothing', async () => {
    await open()
    const { halted } = await rig.sequencer()
    const content = makeContent({ target: rig.id('walk-0'), data: Buffer.alloc(900_000) })
    const origin = { partition: 1, height: 3, index: 0, seq: 1 }
    const relayed = relayedRecord(idOf('caller'), origin, { ...content, seq: 1 })
    const value = RECORDS.encodeIngress({ type: 'relayed', relayed })
    const junk = Buffer.alloc(1_048_576 - 10, 'j')
    await rig.log.append(TOPICS.ingress, 0, [{ key: rig.id('walk-0'), value }])
    await rig.log.append(TOPICS.ingress, 0, [{ key: 'k', value: junk }])
    await rig.send(rig.item(rig.id('walk-0')))
    await until(() => committed())
    expect(halted).toEqual([])
    const header = '__connect.errors.exception.class.name'
    const codes = (await letters()).map(({ headers }) => headers[header])
    expect(codes).toEqual(['message-too-large', 'message-too-large'])
    expect((await rig.chain(0)).entries.length).toBe(2)
  })

  test('dead letters that the log refuses for a while are written all the same', async () => {
    const log = await open((topic) => topic === TOPICS.deadletters)
    const { halted } = await rig.sequencer()
    log.script({ kind: 'refused' }, { kind: 'unclear', written: false }, { kind: 'refused' })
    await rig.log.append(TOPICS.ingress, 0, [{ key: 'k', value: Buffer.from('x') }])
    await until(() => committed())
    expect(halted).toEqual([])
    expect((await letters()).length).toBe(1)
  })

  test('after a batch that failed, those in line write nothing', async () => {
    const log = await open((topic) => topic === TOPICS.log)
    let owned = true
    const losing: Log = {
      ...passing(log),
      join: async (options) => ({
        ...(await log.join({ ...options, batchRecordsMax: 1 })),
        owns: () => Promise.resolve(owned),
      }),
    }
    const { halted } = await rig.sequencer({ log: losing })
    await until(async () => (await rig.chain(0)).entries.length === 1)
    owned = false
    const before = (await rig.log.ends(TOPICS.log))[0]?.end
    log.script({ kind: 'unclear', written: false })
    const to = rig.id('walk-0')
    const items = Array.from({ length: 6 }, (_, n) => rig.item(to, { n }))
    await rig.log.append(
      TOPICS.ingress,
      0,
      items.map((item) => ({ key: to, value: RECORDS.encodeIngress({ type: 'signed', item }) })),
    )
    await until(() => halted.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect((halted[0]?.error as HbError).code).toBe('partition-lost')
    expect((await rig.log.ends(TOPICS.log))[0]?.end).toBe(before)
  })

  test('refuses what is expired by the log, and answers an unclear one from the log', async () => {
    const log = await open((topic) => topic === TOPICS.log)
    const refused: string[] = []
    const listener = {
      refused: (id: string, { code }: HbError) => refused.push(`${id} ${code}`),
    }
    const { service } = await rig.sequencer({ listener, limits: { idGraceMs: 0 } })
    const to = rig.id('walk-0')
    const past = [{ name: 'HB-Expires', value: '1000' }]
    const [late] = await rig.send(rig.item(to, 'late', past))
    await until(() => committed())
    expect(refused).toEqual([`${late} expired`])
    rig.sent.length = 0
    // the log's time is of the last entry: this one expires before it is placed, but after that
    await new Promise((resolve) => setTimeout(resolve, 20))
    const { view } = await rig.chain(0)
    const between = [{ name: 'HB-Expires', value: String(view.timestamp + 1) }]
    const claim = { member: 'm', generation: 1, nonce: 'n' }
    const other = { key: null, value: RECORDS.claim.encode(claim) }
    log.script({ kind: 'unclear', written: true }, { kind: 'none' })
    log.script({ kind: 'unclear', written: false }, { kind: 'none' })
    const item = rig.item(to, 'between', between)
    const again = rig.item(to, 'more')
    const faults: AppendFault[] = [
      { kind: 'unclear', written: true },
      { kind: 'other-before', records: [other] },
    ]
    log.script(...faults)
    const [id] = await rig.send(item)
    await until(() => committed())
    await rig.send(again)
    await until(() => committed())
    await rig.send(rig.item(to, 'and more'))
    await until(() => committed())
    const ids = (await rig.chain(0)).entries.map(({ message }) => message.id)
    expect(ids.filter((each) => each === id)).toEqual([id])
    // forgotten, and refused for its expiry, once the log has passed it
    await rig.send(item)
    await until(() => committed())
    expect(refused.at(-1)).toBe(`${id} expired`)
    expect(service.find(id as string)).toBeUndefined()
    expect((await rig.chain(0)).entries.length).toBe(4)
  })

  test('what only shared a batch with an unclear append is refused all the same', async () => {
    const log = await open((topic) => topic === TOPICS.log)
    const refused: string[] = []
    await rig.sequencer({ listener: { refused: (id) => refused.push(id) } })
    const to = rig.id('walk-0')
    const past = rig.item(to, 'past', [{ name: 'HB-Expires', value: '1000' }])
    const [id] = await rig.send(past)
    await until(() => committed())
    expect(refused).toEqual([id])
    log.script({ kind: 'unclear', written: false }, { kind: 'none' })
    const records = [past, rig.item(to, 'good')].map((item) => {
      return { key: to, value: RECORDS.encodeIngress({ type: 'signed', item }) }
    })
    await rig.log.append(TOPICS.ingress, 0, records)
    await until(() => committed())
    expect(log.pending).toBe(0)
    const { entries } = await rig.chain(0)
    expect(entries.map(({ message }) => message.id)).not.toContain(id)
    expect(entries.length).toBe(2)
    expect(refused).toEqual([id, id])
  })

  test('what has its place is never refused as expired, read again or sent again', async () => {
    await open()
    const store = createMemoryStore()
    const refused: string[] = []
    const listener = { refused: (id: string) => refused.push(id) }
    const first = await rig.sequencer({ store, listener })
    const to = rig.id('walk-0')
    const soon = [{ name: 'HB-Expires', value: String(Date.now() + 100) }]
    const item = rig.item(to, 'soon', soon)
    await rig.send(item)
    await until(() => committed())
    await new Promise((resolve) => setTimeout(resolve, 120))
    await rig.send(rig.item(to, 'later'))
    await rig.send(rig.item(to, 'and later'))
    await rig.send(item)
    await until(() => committed())
    await first.stop()
    // a group without positions reads ingress from its start, as after a crash before a commit
    const log = besideTheGroup(rig.log, '-again')
    const { service } = await rig.sequencer({ log, store, listener })
    await until(() => service.figures.duplicates >= 4)
    expect(refused).toEqual([])
    expect((await rig.chain(0)).entries.length).toBe(4)
  })

  test('the id of an unclear message is kept until it is answered', async () => {
    const log = await open((topic) => topic === TOPICS.log)
    const slow = { ...systemClock, now: () => systemClock.now() }
    await rig.sequencer({ clock: slow })
    await until(async () => (await rig.chain(0)).entries.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 10))
    const { view } = await rig.chain(0)
    const expires = [{ name: 'HB-Expires', value: String(view.timestamp + 1) }]
    // written but unclear; of the claims after it the first is passed by another's, so that more
    // is read later
    const claim = (nonce: string) => ({
      key: null,
      value: RECORDS.claim.encode({ member: 'other', generation: 1, nonce }),
    })
    log.script({ kind: 'unclear', written: true })
    const inner = log.append.bind(log)
    let claims = 0
    log.append = async (topic, partition, records) => {
      const base = await inner(topic, partition, records)
      const own = topic === TOPICS.log && records[0]?.headers?.['hb-kind'] === 'claim'
      if (own && claims++ < 3) await inner(topic, partition, [claim(`c${claims}`)])
      return base
    }
    const [id] = await rig.send(rig.item(rig.id('walk-0'), 'x', expires))
    await until(() => committed())
    const ids = (await rig.chain(0)).entries.map(({ message }) => message.id)
    expect(ids.filter((each) => each === id).length).toBe(1)
  })

  test('on a log that is shorter, or another one, it halts instead of starting again', async () => {
    await open()
    const store = createMemoryStore()
    const first = await rig.sequencer({ store })
    await rig.send(rig.item(rig.id('walk-0')), rig.item(rig.id('walk-0')))
    await until(() => committed())
    await first.stop()
    const old = rig
    for (const sends of [0, 9]) {
      await open()
      if (sends > 0) {
        const other = await rig.sequencer()
        for (let n = 0; n < sends; n++) await rig.send(rig.item(rig.id('walk-0'), { n }))
        await until(() => committed())
        await other.stop()
      }
      const { halted } = await rig.sequencer({ store })
      await until(() => halted.length > 0)
      expect((halted[0]?.error as HbError).code).toBe('log-diverged')
      await rig.close()
    }
    await open()
    await old.close()
  })

  test('a partition that halts leaves the others at work', async () => {
    await open()
    const unknown = Buffer.concat([Buffer.from([0xc3, 1]), Buffer.alloc(8, 7), Buffer.from('x')])
    await rig.log.append(TOPICS.log, 1, [{ key: null, value: unknown }])
    const { halted } = await rig.sequencer()
    await rig.send(rig.item(rig.id('walk-0')))
    await until(() => committed(0))
    await until(() => halted.length > 0)
    expect(halted.map(({ partition }) => partition)).toEqual([1])
    expect((halted[0]?.error as HbError).code).toBe('schema-unknown')
    expect((await rig.chain(0)).entries.length).toBe(2)
  })

  test('a clock far off the append time of the log stops it', async () => {
    await open()
    const clock = { ...systemClock, now: () => systemClock.now() - 60_000 }
    const { halted } = await rig.sequencer({ clock })
    await until(() => halted.length === 2)
    expect((halted[0]?.error as HbError).code).toBe('clock-skew')
  })

  test('a log that takes long to read is no sign of a clock far off', async () => {
    let readMs = 0
    rig = await Rig.open(network, (log) => ({
      ...passing(log),
      read: async (...args) => {
        const read = await log.read(...args)
        if (args[0] === TOPICS.log && read.records.length > 0) readMs = 60_000
        return read
      },
    }))
    const clock = { ...systemClock, now: () => systemClock.now() + readMs }
    const { halted } = await rig.sequencer({ clock })
    await rig.send(rig.item(rig.id('walk-0')))
    await until(() => halted.length > 0 || committed())
    expect(halted).toEqual([])
    expect(readMs).toBe(60_000)
  })

  test('processes’ messages are taken in their turn only', async () => {
    await open()
    const { service } = await rig.sequencer()
    const put = async (seq: number): Promise<void> => {
      const content = makeContent({ target: rig.id('walk-0') })
      const origin = { partition: 1, height: seq, index: 0, seq }
      const relayed = relayedRecord(idOf('caller'), origin, { ...content, seq })
      const value = RECORDS.encodeIngress({ type: 'relayed', relayed })
      await rig.log.append(TOPICS.ingress, 0, [{ key: rig.id('walk-0'), value }])
    }
    for (const seq of [1, 2, 2, 4, 3, 1, 4, 6]) await put(seq)
    await until(() => committed())
    const { entries } = await rig.chain(0)
    expect(entries.slice(1).map(({ message }) => message.origin?.seq)).toEqual([1, 2, 3, 4])
    expect(service.figures).toMatchObject({ duplicates: 2, gaps: 2 })
  })

  test('the index keeps ids across restarts; a repeat gets the first one’s place', async () => {
    await open()
    const store = createMemoryStore()
    const first = await rig.sequencer({ store })
    const item = rig.item(rig.id('walk-0'), 'once')
    const [id] = await rig.send(item)
    await until(() => committed())
    const place = first.service.find(id as string)
    await first.stop()
    const repeats: [string, number][] = []
    const listener = {
      repeated: (each: string, _: number, at: { height: number }) =>
        repeats.push([each, at.height]),
    }
    const second = await rig.sequencer({ store, listener })
    await rig.send(item)
    await until(() => committed())
    expect(repeats).toEqual([[id, 1]])
    expect(second.service.find(id as string)?.place.height).toBe(place?.place.height)
    expect((await rig.chain(0)).entries.length).toBe(2)
  })

  test('stops while it is taking over a log that refuses', async () => {
    const log = await open((topic) => topic === TOPICS.log)
    log.script(...(Array(500).fill({ kind: 'refused' }) as AppendFault[]))
    const running = await rig.sequencer()
    await new Promise((resolve) => setTimeout(resolve, 10))
    await running.stop()
    const used = log.pending
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(log.pending).toBe(used)
    const heads = (await rig.log.ends(TOPICS.registry))[0]?.end
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect((await rig.log.ends(TOPICS.registry))[0]?.end).toBe(heads)
  })
})

/** The item with one bit of its signature turned over. */
function signatureOf(item: Buffer): Buffer {
  const forged = Buffer.from(item)
  expect(forged.readUInt16LE(0)).toBe(ED25519)
  forged[10] = (forged[10] as number) ^ 1
  return forged
}
