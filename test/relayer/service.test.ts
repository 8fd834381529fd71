// The relayer as a service: order per channel whatever happens, and what it does about gaps and
// repeats.

import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Log, LogRecord } from '../../src/log/port.ts'
import type { Outgoing, Result } from '../../src/protocol/result.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import type { HbError } from '../../src/std/errors.ts'
import { seededRandom } from '../../src/std/random.ts'
import { newLife } from '../node/mortal.ts'
import { passing } from '../../src/log/passing/index.ts'
import { Rig, rigNetwork, RECORDS, TOPICS } from '../node/rig.ts'
import { idOf, makeContent } from '../protocol/fixtures.ts'
import type { FaultyLog } from '../log/faulty-log.ts'
import { faultyLog } from '../log/faulty-log.ts'

const network = rigNetwork(['walk'], { partitions: 3 })

/** Results of partition 0 from height 0 on, each with some messages to all partitions. */
function makeResults(count: number): Result[] {
  const seqs = [0, 0, 0]
  return Array.from({ length: count }, (_, height): Result => {
    const messages = Array.from({ length: 1 + (height % 3) }, (_, index): Outgoing => {
      const target = idOf(`t${height}.${index}`)
      if ((height + index) % 5 === 4) return { ...makeContent({ target, kind: 'event' }), seq: 0 }
      const partition = partitionOf(target, 3)
      const seq = ((seqs[partition] as number) += 1)
      return { ...makeContent({ target }), seq }
    })
    const hash = Buffer.alloc(32, height)
    return {
      height,
      entryHash: hash,
      messageId: idOf(`m${height}`),
      process: idOf('source'),
      slot: height,
      status: 'ok',
      code: '',
      text: '',
      gas: 1,
      stateHash: hash,
      messages,
    }
  })
}

function run(results: readonly Result[], from: number, to: number): LogRecord {
  const part = results.slice(from, to)
  const value = RECORDS.encodeRun({ partition: 0, from, results: part, attestation: null })
  return { key: '0', value }
}

describe('the relayer', () => {
  let rig: Rig
  afterEach(() => rig.close())

  async function open(wrap: (log: Log) => Log = (log) => log): Promise<void> {
    rig = await Rig.open(network, wrap)
  }

  /** The numbers that stand in ingress, as they stand there. */
  async function numbers(target: number): Promise<number[]> {
    const seqs: number[] = []
    for await (const value of rig.values(TOPICS.ingress, target)) {
      const wire = RECORDS.decodeIngress(asBuffer(value as Uint8Array))
      if (wire.type === 'relayed') seqs.push(wire.relayed.seq)
    }
    return seqs
  }

  /** What the channel rule would take of them: must be 1, 2, 3 … up to what was emitted. */
  const taken = (seqs: readonly number[]): number =>
    seqs.reduce((last, seq) => (seq === last + 1 ? seq : last), 0)

  const emitted = (results: readonly Result[], target: number): number =>
    Math.max(
      0,
      ...results.flatMap(({ messages }) =>
        messages
          .filter((each) => each.kind !== 'event' && partitionOf(each.target, 3) === target)
          .map(({ seq }) => seq),
      ),
    )

  async function relayed(results: readonly Result[], timeoutMs = 4_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      let done = true
      for (let target = 0; target < 3; target++) {
        if (taken(await numbers(target)) !== emitted(results, target)) done = false
      }
      const [end] = await rig.log.ends(TOPICS.outbox)
      const [committed] = await rig.log.committed('hb.relayer', TOPICS.outbox)
      if (done && end?.end === committed) return
      if (Date.now() > deadline) throw new Error(`not relayed; committed ${committed}`)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }

  const put = (...records: LogRecord[]): Promise<number> =>
    rig.log.append(TOPICS.outbox, 0, records)

  test('passes on every message but events, in order, each once', async () => {
    await open()
    const results = makeResults(40)
    const { service, halted } = await rig.relayer()
    for (let at = 0; at < 40; at += 8) await put(run(results, at, at + 8))
    await relayed(results)
    for (let target = 0; target < 3; target++) {
      const last = emitted(results, target)
      expect(await numbers(target)).toEqual(Array.from({ length: last }, (_, at) => at + 1))
    }
    const first = (await rig.log.read(TOPICS.ingress, 0, 0)).records[0]
    const wire = RECORDS.decodeIngress(asBuffer(first?.value as Uint8Array))
    if (wire.type !== 'relayed') throw new Error('no relayed record')
    expect(wire.relayed).toMatchObject({ caller: idOf('source'), partition: 0, seq: 1 })
    expect(first?.key).toBe(wire.relayed.target)
    expect(service.figures.resent).toBe(0)
    expect(halted).toEqual([])
  })

  test('overlapping, repeated and foreign records change nothing', async () => {
    await open()
    const results = makeResults(30)
    const { service } = await rig.relayer()
    await put(run(results, 0, 10), run(results, 5, 8), run(results, 5, 15))
    await put({ key: '0', value: Buffer.from('junk') }, run(results, 0, 4), run(results, 15, 30))
    await relayed(results)
    for (let target = 0; target < 3; target++) {
      expect((await numbers(target)).length).toBe(emitted(results, target))
    }
    expect(service.figures.skipped).toBe(1)
  })

  test('starts behind a stale repetition and keeps the order, with batches in flight', async () => {
    await open()
    const results = makeResults(60)
    const first = await rig.relayer()
    await put(run(results, 0, 20))
    await relayed(results.slice(0, 20))
    await first.stop()
    // the newest run but one was published again, late: after it there is a gap to what follows
    await put(run(results, 2, 5))
    for (let at = 20; at < 60; at += 2) await put(run(results, at, at + 2))
    const slow: Log = Object.assign(Object.create(null), passing(rig.log))
    let delay = 32
    slow.read = async (...args) => {
      if (args[0] === TOPICS.outbox) {
        delay /= 2
        await new Promise((resolve) => setTimeout(resolve, delay))
      }
      return rig.log.read(...args)
    }
    slow.join = (options) => rig.log.join({ ...options, batchRecordsMax: 1, inFlight: 4 })
    const second = await rig.relayer({ log: slow, limits: { stallMs: 60_000 } })
    await relayed(results)
    expect(second.halted).toEqual([])
    expect(second.service.figures.resent).toBe(0)
  })

  test('a stale repetition is the first that a trim left: taken over, and sent again', async () => {
    await open()
    const results = makeResults(60)
    const first = await rig.relayer()
    for (let at = 0; at < 40; at += 4) await put(run(results, at, at + 4))
    await relayed(results.slice(0, 40))
    await first.stop()
    // two runs of long ago were written once more, late, and what was before them is trimmed
    const stale = await put(run(results, 2, 5))
    await put(run(results, 8, 11))
    await rig.log.trim(TOPICS.outbox, 0, stale)
    await put(run(results, 40, 60))
    const second = await rig.relayer({ limits: { stallMs: 50 } })
    await relayed(results)
    expect(second.halted).toEqual([])
    // no target ever settles what it was sent: what is retained of it is sent again
    await put(run(results, 40, 60))
    const deadline = Date.now() + 4_000
    while (second.service.figures.resent === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(second.service.figures.resent).toBeGreaterThanOrEqual(
      [0, 1, 2].reduce((sum, at) => sum + emitted(results, at) - emitted(results.slice(0, 40), at), 0),
    )
  })

  test('a gap in the outbox halts: nothing is passed over', async () => {
    await open()
    const results = makeResults(20)
    const { halted } = await rig.relayer()
    await put(run(results, 0, 5), run(results, 9, 20))
    const deadline = Date.now() + 2_000
    while (halted.length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    expect((halted[0]?.error as HbError).code).toBe('outbox-gap')
  })

  test('dies at any append and comes back: the channels are whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        await open()
        const results = makeResults(40)
        for (let at = 0; at < 40; ) {
          const to = Math.min(40, at + 1 + random.below(6))
          await put(run(results, at, to))
          if (random.below(4) === 0) await put(run(results, Math.max(0, at - random.below(5)), to))
          at = to
        }
        for (let round = 0; round < 4; round++) {
          const life = newLife(1 + random.below(5), random.below(2) === 0)
          const limits = { appendRecordsMax: 1 + random.below(4) }
          const running = await rig.relayer({ life, limits })
          const died = new Promise<void>((resolve) => (life.died = resolve))
          await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 10))])
          await running.kill()
        }
        const { halted } = await rig.relayer()
        await relayed(results)
        expect(halted).toEqual([])
        await rig.close()
      }),
      { numRuns: 12 },
    )
  }, 20_000)

  test('faults of ingress are repeated until they are over', async () => {
    let faulty: FaultyLog | undefined
    await open((log) => (faulty = faultyLog(log, { only: (topic) => topic === TOPICS.ingress })))
    const results = makeResults(30)
    for (let n = 0; n < 4; n++) {
      faulty?.script({ kind: 'refused' }, { kind: 'unclear', written: true }, { kind: 'none' })
      faulty?.script({ kind: 'twice', answer: 'first' }, { kind: 'unclear', written: false })
    }
    const { halted } = await rig.relayer({ limits: { appendRecordsMax: 3 } })
    await put(run(results, 0, 30))
    await relayed(results)
    expect(halted).toEqual([])
  })

  test('a scan of an outbox that is trimmed meanwhile goes on where it begins', async () => {
    await open()
    const results = makeResults(40)
    const first = await rig.relayer()
    for (let at = 0; at < 20; at += 2) await put(run(results, at, at + 2))
    await relayed(results.slice(0, 20))
    await first.stop()
    // a stale repetition first: the cursor must be looked for
    await put(run(results, 2, 4))
    for (let at = 20; at < 40; at += 2) await put(run(results, at, at + 2))
    let trimmed = false
    const trimming: Log = {
      ...passing(rig.log),
      read: async (topic, partition, from, options) => {
        if (topic === TOPICS.outbox && !trimmed) {
          trimmed = true
          await rig.log.trim(TOPICS.outbox, 0, 5)
        }
        return rig.log.read(topic, partition, from, options)
      },
    }
    const { halted } = await rig.relayer({ log: trimming, limits: { stallMs: 60_000 } })
    await relayed(results)
    expect(trimmed).toBe(true)
    expect(halted).toEqual([])
  })
})
