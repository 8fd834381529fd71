// Rule R2 under every fault that the log port allows: the accepted chain has each message once,
// what was told is never contradicted, and nothing that was committed is lost.

import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Log } from '../../src/log/port.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { SequencerListener } from '../../src/sequencer/index.ts'
import { seededRandom } from '../../src/std/random.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { AppendFault, FaultyLog } from '../log/faulty-log.ts'
import { faultyLog } from '../log/faulty-log.ts'
import { copyOf, newLife } from '../node/mortal.ts'
import { Rig, rigNetwork, RECORDS, TOPICS } from '../node/rig.ts'
import { besideTheGroup } from './split-brain.ts'

const network = rigNetwork(['walk'], { partitions: 1 })

/** What a sequencer told its listener: per id the place. */
class Told {
  readonly places = new Map<string, string>()
  readonly refused = new Set<string>()

  settled(_: number, entries: readonly Entry[]): void {
    for (const { message, height, hash } of entries) this.#tell(message.id, height, hash)
  }

  repeated(id: string, _: number, place: { height: number; hash: Uint8Array }): void {
    this.#tell(id, place.height, place.hash)
  }

  #tell(id: string, height: number, hash: Uint8Array): void {
    const text = `${height} ${toBase64Url(hash)}`
    if ((this.places.get(id) ?? text) !== text) throw new Error(`contradicted: ${id}`)
    this.places.set(id, text)
  }
}

function tell(told: Told): SequencerListener {
  return {
    settled: (partition, entries) => told.settled(partition, entries),
    repeated: (id, partition, place) => told.repeated(id, partition, place),
  }
}

async function ordered(rig: Rig, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const ids = new Set((await rig.chain(0)).entries.map(({ message }) => message.id))
    const absent = rig.sent.filter((id) => !ids.has(id))
    const [end] = await rig.log.ends(TOPICS.ingress)
    const [committed] = await rig.log.committed('hb.sequencer', TOPICS.ingress)
    if (absent.length === 0 && committed === end?.end) return
    if (Date.now() > deadline) throw new Error(`${absent.length} missing; committed ${committed}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

async function agree(rig: Rig, told: Told): Promise<void> {
  const { entries } = await rig.chain(0)
  const ids = entries.map(({ message }) => message.id)
  expect(new Set(ids).size).toBe(ids.length)
  const places = new Map(
    entries.map(({ message, height, hash }) => [message.id, `${height} ${toBase64Url(hash)}`]),
  )
  expect(rig.sent.filter((id) => !places.has(id))).toEqual([])
  for (const [id, place] of told.places) expect(places.get(id)).toBe(place)
}

async function claimBy(member: string): Promise<{ key: null; value: Buffer }> {
  const value = RECORDS.claim.encode({ member, generation: 9, nonce: `${member}/9/1` })
  return { key: null, value }
}

describe('faults of the log', () => {
  let rig: Rig
  afterEach(() => rig.close())

  async function open(): Promise<FaultyLog> {
    let faulty: FaultyLog | undefined
    rig = await Rig.open(network, (log: Log) => {
      faulty = faultyLog(log, { only: (topic) => topic === TOPICS.log })
      return faulty
    })
    return faulty as FaultyLog
  }

  const faults: [string, (rig: Rig) => Promise<AppendFault[]>][] = [
    ['refused', async () => [{ kind: 'refused' }]],
    ['refused again and again', async () => Array(6).fill({ kind: 'refused' }) as AppendFault[]],
    ['unclear, written', async () => [{ kind: 'unclear', written: true }]],
    ['unclear, not written', async () => [{ kind: 'unclear', written: false }]],
    ['written twice, first answered', async () => [{ kind: 'twice', answer: 'first' }]],
    ['written twice, second answered', async () => [{ kind: 'twice', answer: 'second' }]],
    ['no offset', async () => [{ kind: 'no-offset' }]],
    [
      'the claim after it unclear too',
      async () => [
        { kind: 'unclear', written: true },
        { kind: 'unclear', written: true },
        { kind: 'unclear', written: false },
      ],
    ],
    [
      'garbage of another just before',
      async () => [{ kind: 'other-before', records: [{ key: 'x', value: Buffer.from('junk') }] }],
    ],
    [
      'a claim of another just before',
      async () => [{ kind: 'other-before', records: [await claimBy('other')] }],
    ],
    [
      'a claim of another after the own one',
      async () => [
        { kind: 'unclear', written: false },
        { kind: 'none' },
        { kind: 'other-before', records: [await claimBy('other')] },
      ],
    ],
  ]

  test.each(faults)('%s', async (_, script) => {
    const log = await open()
    const told = new Told()
    const { halted } = await rig.sequencer({ listener: tell(told) })
    const to = rig.id('walk-0')
    await rig.send(rig.item(to, { n: 0 }))
    await ordered(rig)
    log.script(...(await script(rig)))
    const again = rig.item(to, { n: 1 })
    await rig.send(again, rig.item(to, { n: 2 }), again)
    await ordered(rig)
    await rig.send(rig.item(to, { n: 3 }), again)
    await ordered(rig)
    expect(log.pending).toBe(0)
    expect(halted).toEqual([])
    await agree(rig, told)
    expect(told.places.size).toBe(1 + 4)
  })

  test('a late write that lands when others have been settled is superseded', async () => {
    const log = await open()
    const told = new Told()
    await rig.sequencer({ listener: tell(told) })
    const to = rig.id('walk-0')
    await rig.send(rig.item(to, { n: 0 }))
    await ordered(rig)
    let release = (): void => undefined
    log.script({ kind: 'late', release: new Promise<void>((resolve) => (release = resolve)) })
    await rig.send(rig.item(to, { n: 1 }))
    await ordered(rig)
    release()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await rig.send(rig.item(to, { n: 2 }))
    await ordered(rig)
    expect((await rig.chain(0)).superseded).toBe(1)
    await agree(rig, told)
  })

  test('any sequence of faults: once each, none lost, nothing contradicted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        const log = await open()
        const told = new Told()
        const { halted } = await rig.sequencer({ listener: tell(told) })
        const to = rig.id('walk-0')
        const items: Buffer[] = []
        for (let n = 0; n < 12; n++) {
          log.script(await randomFault(random))
          const repeat = items[random.below(items.length + 1)]
          const item = repeat ?? rig.item(to, { n }, random.below(3) === 0 ? soon() : [])
          items.push(item)
          await rig.send(item)
          if (random.below(3) === 0) await new Promise((resolve) => setTimeout(resolve, 2))
        }
        await ordered(rig).catch((error: unknown) => {
          const why = halted.map((each) => String(each.error)).join()
          throw new Error(`${String(error)} ${why}`)
        })
        expect(halted).toEqual([])
        await agree(rig, told)
        // late writes still under way need an open log
        await new Promise((resolve) => setTimeout(resolve, 10))
        await rig.close()
      }),
      { numRuns: 25 },
    )
  }, 30_000)

  test('two that both believe to own the partition: the log decides, alike for all', async () => {
    for (let seed = 0; seed < 8; seed++) {
      await open()
      const random = seededRandom(seed)
      const [one, two] = [new Told(), new Told()]
      const other = besideTheGroup(rig.log, '-zombie')
      const runs = [await rig.sequencer({ listener: tell(one) })]
      const to = rig.id('walk-0')
      for (let n = 0; n < 20; n++) {
        if (n === 5) runs.push(await rig.sequencer({ listener: tell(two), log: other }))
        await rig.send(rig.item(to, { n }))
        if (random.below(4) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await ordered(rig)
      await agree(rig, one)
      await agree(rig, two)
      if (seed < 7) await rig.close()
    }
  }, 30_000)

  test('dies at any append, comes back with its index, an older one or none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        await open()
        const told = new Told()
        const to = rig.id('walk-0')
        let store = createMemoryStore()
        let older = store
        for (let round = 0; round < 5; round++) {
          const kind = random.below(4)
          if (kind === 0) store = createMemoryStore()
          if (kind === 1) store = older
          older = await copyOf(store)
          const life = newLife(1 + random.below(6), random.below(2) === 0)
          const running = await rig.sequencer({ listener: tell(told), life, store })
          const died = new Promise<void>((resolve) => (life.died = resolve))
          for (let n = 0; n < 6; n++) await rig.send(rig.item(to, { round, n }))
          await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 15))])
          await running.kill()
        }
        await rig.sequencer({ listener: tell(told), store })
        await ordered(rig)
        await agree(rig, told)
        await rig.close()
      }),
      { numRuns: 12 },
    )
  }, 30_000)
})

/** An expiry that the log's time passes while faults go on, but not before the first append. */
function soon(): { name: string; value: string }[] {
  return [{ name: 'HB-Expires', value: String(Date.now() + 60_000) }]
}

async function randomFault(random: { below(n: number): number }): Promise<AppendFault> {
  const release = new Promise<void>((resolve) => setTimeout(resolve, random.below(8)))
  const records = [await claimBy(`m${random.below(3)}`)]
  const all: AppendFault[] = [
    { kind: 'none' },
    { kind: 'refused' },
    { kind: 'unclear', written: true },
    { kind: 'unclear', written: false },
    { kind: 'twice', answer: 'first' },
    { kind: 'twice', answer: 'second' },
    { kind: 'no-offset' },
    { kind: 'late', release },
    { kind: 'other-before', records },
  ]
  return all[random.below(all.length)] as AppendFault
}
