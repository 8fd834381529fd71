// The outbox is trimmed below what every target has settled, whoever dies meanwhile, and everybody
// who starts on what is left goes on.

import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { rebuild } from '../../src/dre/index.ts'
import { OutboxTrim } from '../../src/dre/outbox-trim.ts'
import { SettledChannels } from '../../src/dre/settled-channels.ts'
import type { Log } from '../../src/log/port.ts'
import { targetProcess } from '../../src/protocol/target.ts'
import type { Run } from '../../src/protocol/result.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { systemClock } from '../../src/std/clock.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { newLife } from '../node/mortal.ts'
import { passing } from '../../src/log/passing/index.ts'
import { idOf, makeContent } from '../protocol/fixtures.ts'
import { RECORDS, Rig, rigNetwork, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['walk', 'counter'], { intervalLength: 16 })
const partitions = [0, 1, 2]

/** A log that keeps what was ever in the outbox, and judges every trim of it. */
class Keeper {
  readonly runs: { run: Run; offset: number }[][] = [[], [], []]
  readonly trims: number[] = [0, 0, 0]
  /** Above these counters of the heads nothing may go. */
  readonly heads: number[][] = [[], [], []]

  wrap(log: Log): Log {
    return {
      ...passing(log),
      append: async (topic, partition, records) => {
        const base = await log.append(topic, partition, records)
        for (const [at, { value }] of records.entries()) {
          if (topic === TOPICS.outbox) {
            const run = RECORDS.decodeRun(asBuffer(value as Uint8Array))
            this.runs[partition]?.push({ run, offset: base + at })
          } else if (topic === TOPICS.registry) {
            const head = RECORDS.head.decode(asBuffer(value as Uint8Array))
            this.heads[head.partition] = [...head.counters]
          }
        }
        return base
      },
      trim: async (topic, partition, before) => {
        if (topic === TOPICS.outbox) {
          const committed = (await log.committed('hb.relayer', topic))[partition]
          expect(before).toBeLessThanOrEqual(committed ?? 0)
          this.judge(partition, before)
        }
        await log.trim(topic, partition, before)
      },
    }
  }

  judge(partition: number, before: number): void {
    const runs = this.runs[partition] ?? []
    expect(before).toBeLessThanOrEqual(runs.at(-1)?.offset ?? 0)
    this.trims[partition] = Math.max(this.trims[partition] ?? 0, before)
    for (const { run, offset } of runs) {
      if (offset >= before) continue
      for (const { height, process: caller, messages } of run.results) {
        for (const [index, content] of messages.entries()) {
          if (content.kind === 'event') continue
          const source = { caller, partition, height, index }
          const process = targetProcess(network.id, source, content)
          const settled = this.heads[partitionOf(process, 3)]?.[partition] ?? 0
          expect(content.seq).toBeLessThanOrEqual(settled)
        }
      }
    }
  }

  /** The results by height, as they were when they were published. */
  results(partition: number): Run['results'][number][] {
    const results: Run['results'][number][] = []
    for (const { run } of this.runs[partition] ?? []) {
      for (const result of run.results) results[result.height] ??= result
    }
    return results
  }
}

describe('the outbox', () => {
  let rig: Rig
  afterEach(() => rig.close())

  const limits = { trimIntervalMs: 4, outboxRetentionMs: 10, trimRecordsMin: 1 }

  /** Everything is ordered, evaluated and relayed, and a rebuild from the log agrees. */
  async function whole(rig: Rig, keeper: Keeper, timeoutMs = 8_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const chains = await Promise.all(partitions.map((each) => rig.chain(each)))
      const ids = new Set(
        chains.flatMap(({ entries }) => entries.map(({ message }) => message.id)),
      )
      const emitted = partitions.flatMap((each) =>
        keeper.results(each).flatMap(({ messages }) => messages.filter((m) => m.kind !== 'event')),
      )
      const relayed = chains.flatMap(({ entries }) =>
        entries.filter(({ message }) => message.from === 'process'),
      )
      const done = partitions.every(
        (each) => keeper.results(each).length === chains[each]?.entries.length,
      )
      if (done && rig.sent.every((id) => ids.has(id)) && emitted.length === relayed.length) break
      if (Date.now() > deadline) {
        throw new Error(`${done}, emitted ${emitted.length}, relayed ${relayed.length}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    for (const partition of partitions) {
      const leaves: string[] = []
      const fresh = { evaluator: rig.evaluator(), store: createMemoryStore() }
      const onResult = ({ result }: { result: Run['results'][number] }): void =>
        void leaves.push(rig.leaf(partition, result))
      await rebuild({ network, log: rig.log, partition, ...fresh, onResult })
      expect(leaves).toEqual(keeper.results(partition).map((each) => rig.leaf(partition, each)))
    }
  }

  const walk = (rig: Rig, left: number, n = 0): Promise<string[]> => {
    const to = ['walk-0', 'walk-1', 'walk-2'].map((name) => rig.id(name))
    const spawn = { kind: 'spawn', data: { source: 'counter', state: { n } } }
    const item = rig.item(rig.id('counter-1'), { send: [spawn] })
    return rig.send(item, ...to.map((each) => rig.item(each, { left, fan: 2, to, n })))
  }

  test('is trimmed to its newest run, and not before its time', async () => {
    const keeper = new Keeper()
    rig = await Rig.open(network, (log) => keeper.wrap(log))
    const running = [await rig.sequencer(), await rig.relayer()]
    const dre = await rig.dre({ limits: { ...limits, outboxRetentionMs: 60_000 } })
    await walk(rig, 4)
    await whole(rig, keeper)
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(keeper.trims).toEqual([0, 0, 0])
    await dre.stop()
    // what it remembered is gone: the next one reads
    const next = await rig.dre({ limits })
    const newest = (each: number): number => keeper.runs[each]?.at(-1)?.offset ?? 0
    const deadline = Date.now() + 4_000
    while (partitions.some((each) => keeper.trims[each] !== newest(each))) {
      if (Date.now() > deadline) throw new Error(`trimmed to ${keeper.trims.join()}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (const each of partitions) {
      expect((await rig.log.ends(TOPICS.outbox))[each]?.start).toBe(newest(each))
    }
    // new ones on what is left
    await next.stop()
    await (running[1] as (typeof running)[1])?.stop()
    const last = [await rig.dre(), await rig.relayer()]
    await walk(rig, 3, 1)
    await whole(rig, keeper)
    expect([dre, next, ...running, ...last].flatMap(({ halted }) => halted)).toEqual([])
  })

  test.each([
    ['as it remembers', true],
    ['as it reads', false],
  ])('what is relayed and not yet settled stays: %s', async (_, remembers) => {
    const keeper = new Keeper()
    rig = await Rig.open(network, (log) => keeper.wrap(log))
    const sequencer = await rig.sequencer()
    await walk(rig, 1)
    const until = async (what: () => Promise<boolean>): Promise<void> => {
      const deadline = Date.now() + 8_000
      while (!(await what())) {
        if (Date.now() > deadline) throw new Error(`trimmed to ${keeper.trims.join()}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const committedAll = async (group: string, topic: string): Promise<boolean> => {
      const committed = await rig.log.committed(group, topic)
      return (await rig.log.ends(topic)).every(({ end }, at) => end === (committed[at] ?? 0))
    }
    await until(() => committedAll('hb.sequencer', TOPICS.ingress))
    await sequencer.stop()
    let dre = await rig.dre({ limits: { ...limits, runBytesMax: 1 } })
    const relayer = await rig.relayer()
    await until(async () => keeper.results(0).length > 1 && keeper.results(1).length > 2)
    await until(() => committedAll('hb.relayer', TOPICS.outbox))
    if (!remembers) {
      await dre.stop()
      dre = await rig.dre({ limits })
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    for (const each of partitions) {
      const first = keeper.runs[each]?.find(({ run }) => run.results[0]?.messages.length)
      expect(first?.offset).toBeGreaterThan(0)
      expect(keeper.trims[each]).toBe(first?.offset)
    }
    const stayed = [...keeper.trims]
    const again = await rig.sequencer()
    await whole(rig, keeper)
    // the walks go where they like: a partition that nothing came to keeps its newest run
    const newest = (each: number): number => keeper.runs[each]?.at(-1)?.offset ?? 0
    expect(partitions.filter((each) => newest(each) > (stayed[each] ?? 0))).not.toEqual([])
    const moved = (to: number, at: number): boolean => to > (stayed[at] ?? 0) || to === newest(at)
    await until(async () => keeper.trims.every(moved))
    const all = [sequencer, dre, relayer, again]
    expect(all.flatMap(({ halted }) => halted)).toEqual([])
  })

  /** Of a network of one partition, on a log that a test writes itself. */
  async function aloneTrim() {
    const alone = rigNetwork(['walk'], { partitions: 1 })
    rig = await Rig.open(alone)
    const { log } = rig
    const settled = new SettledChannels(log, TOPICS.registry, RECORDS)
    let offset = 0
    const publish = async (from: number, ...seqs: number[]): Promise<void> => {
      const results = seqs.map((seq, at) => ({
        height: from + at,
        entryHash: Buffer.alloc(32),
        messageId: idOf(`message ${seq}`),
        process: rig.id('walk-0'),
        slot: from + at,
        status: 'ok' as const,
        code: '',
        text: '',
        gas: 1,
        stateHash: Buffer.alloc(32),
        messages: [{ ...makeContent({ target: rig.id('walk-0') }), seq }],
      }))
      const value = RECORDS.encodeRun({ partition: 0, from, results, attestation: null })
      offset = await log.append(TOPICS.outbox, 0, [{ key: '0', value }])
    }
    const settle = async (count: number): Promise<void> => {
      const at = { partition: 0, height: 9, hash: Buffer.alloc(32), timestamp: 1 }
      const value = RECORDS.head.encode({ ...at, counters: [count] })
      await log.append(TOPICS.registry, 0, [{ key: '0', value }])
      await settled.refresh()
    }
    let passed = 0
    let reads = 0
    const read: Log['read'] = (...given) => {
      reads += 1
      return log.read(...given)
    }
    const trim = new OutboxTrim({
      network: alone,
      partition: 0,
      log: { ...passing(log), read, committed: () => Promise.resolve([offset + 1]) },
      topic: TOPICS.outbox,
      relayerGroup: 'hb.relayer',
      records: RECORDS,
      clock: { ...systemClock, now: () => Date.now() + (passed += 1_000) },
      outboxRetentionMs: 0,
      trimRecordsMin: 1,
    })
    const trimmedTo = async (): Promise<number | undefined> => {
      await trim.trim(settled)
      return (await log.ends(TOPICS.outbox))[0]?.start
    }
    return { publish, settle, trim, trimmedTo, reads: () => reads }
  }

  test('what was published here is not read again, from the first run on', async () => {
    const { publish, settle, trim, trimmedTo, reads } = await aloneTrim()
    await publish(0, 1)
    trim.published(0, 0, [1])
    await publish(1, 2)
    trim.published(1, 1, [2])
    await settle(2)
    expect([await trimmedTo(), reads()]).toEqual([1, 0])
  })

  test('what another published in between stays until it is settled too', async () => {
    const { publish, settle, trim, trimmedTo } = await aloneTrim()
    const rounds = async (): Promise<number | undefined> => {
      await trimmedTo()
      return trimmedTo()
    }
    await publish(0, 1)
    trim.published(0, 0, [1])
    // by another, which was ahead
    await publish(1, 2, 3, 4)
    await publish(1, 2)
    trim.foreign(2)
    trim.published(2, 1, [2])
    await settle(2)
    expect(await rounds()).toBe(1)
    await publish(2, 3)
    trim.published(3, 2, [3])
    await settle(3)
    expect(await rounds()).toBe(1)
    await publish(3, 4)
    trim.published(4, 3, [4])
    await settle(4)
    // all behind it are repeats
    expect(await rounds()).toBe(1)
    await publish(4, 5)
    await settle(5)
    expect(await rounds()).toBe(5)
    // from here on it is remembered again
    await publish(5, 6)
    trim.published(6, 5, [6])
    await settle(6)
    expect(await rounds()).toBe(6)
  })

  test('a zombie trims nothing of what shows how far results are published', async () => {
    const { publish, settle, trim, trimmedTo } = await aloneTrim()
    for (const from of [0, 1, 2, 3]) await publish(from, from + 1)
    // it comes back behind the others, publishes again what it has, and all is settled
    await publish(1, 2)
    trim.foreign(4)
    trim.published(4, 1, [2])
    await settle(4)
    for (let round = 0; round < 3; round++) {
      expect(await trimmedTo()).toBeLessThanOrEqual(3)
      await publish(2, 3)
      trim.published(5 + round, 2, [3])
    }
    expect(await trimmedTo()).toBe(3)
  })

  test('never above the counters, whoever dies at any append', async () => {
    let trimmed = 0
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        const keeper = new Keeper()
        rig = await Rig.open(network, (log) => keeper.wrap(log))
        const life = (mortal: boolean) =>
          newLife(mortal ? 1 + random.below(25) : Infinity, random.below(2) === 0)
        const stores = [createMemoryStore(), createMemoryStore()]
        const rise = [
          (mortal: boolean) => rig.sequencer({ life: life(mortal), store: stores[0] as never }),
          (mortal: boolean) => {
            if (random.below(3) === 0) stores[1] = createMemoryStore()
            return rig.dre({ life: life(mortal), store: stores[1] as never, limits })
          },
          (mortal: boolean) => rig.relayer({ life: life(mortal) }),
        ]
        const running = []
        for (const each of rise) running.push(await each(true))
        for (let n = 0; n < 8; n++) {
          await walk(rig, 1 + random.below(2), n)
          await new Promise((resolve) => setTimeout(resolve, random.below(20)))
          for (const [at, each] of running.entries()) {
            if (each.life.alive && random.below(4) > 0) continue
            expect(each.halted).toEqual([])
            await each.kill()
            running[at] = await (rise[at] as (typeof rise)[0])(true)
          }
        }
        for (const [at, each] of running.entries()) {
          await each.kill()
          running[at] = await (rise[at] as (typeof rise)[0])(false)
        }
        await whole(rig, keeper)
        expect(running.flatMap(({ halted }) => halted)).toEqual([])
        trimmed += keeper.trims.reduce((sum, each) => sum + each, 0)
        await rig.close()
      }),
      { numRuns: 4 },
    )
    expect(trimmed).toBeGreaterThan(0)
  }, 60_000)
})
