// Upgrades while the DRE's partitions move: whoever owned one dies right before, over or right after
// an upgrade, and the standby goes on with the module of then.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Log, LogRecord } from '../../src/log/port.ts'
import { passing } from '../../src/log/passing/index.ts'
import { intervalOf } from '../../src/protocol/interval.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { until } from '../node/fleet.ts'
import type { Life } from '../node/mortal.ts'
import { newLife } from '../node/mortal.ts'
import { Rig, RECORDS, TOPICS } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { agreesWith, copyLog, INTERVAL } from './recorded.ts'
import { isUpgrade, PARTITIONS, recordUpgrades } from './recorded-upgrades.ts'
import type { Dre } from './standby-lives.ts'
import { livesAndDeaths } from './standby-lives.ts'

type Kind = 'by its source' | 'by its hash' | 'that fails'
/** `before`: height of the entry of the same process that comes before it. */
type Place = { readonly partition: number; readonly height: number; readonly before: number }

describe('a standby over upgrades', () => {
  let recorded: Recorded
  let rig: Rig
  let failures: string[]
  /** Of each kind, one with entries of its process on both sides. */
  let places: ReadonlyMap<Kind, Place>
  beforeAll(async () => {
    recorded = await recordUpgrades(7, async (ran) => {
      places = await placesIn(ran)
    })
  }, 20_000)
  beforeEach(async () => {
    failures = []
    rig = await Rig.open(recorded.network)
  })
  afterEach(() => rig.close())

  const start = (options: Parameters<Rig['dre']>[0] = {}): Promise<Dre> =>
    rig.dre({
      standbys: 1,
      listener: { standbyFailed: (_, error) => failures.push(String(error)) },
      ...options,
      limits: { instanceIdleMsMax: 10, ...options.limits },
    })

  /** It owns all, and has evaluated it. */
  function isDone({ service }: Dre): boolean {
    return recorded.leaves.every((leaves, partition) => {
      const position = service.owned(partition)?.store.position()
      return position?.view.height === leaves.length - 1
    })
  }

  async function agrees(running: readonly Dre[]): Promise<void> {
    await agreesWith(recorded, rig)
    expect(running.flatMap(({ halted }) => halted)).toEqual([])
    expect(failures).toEqual([])
  }

  const kinds: Kind[] = ['by its source', 'by its hash', 'that fails']
  const moments: [string, (place: Place) => number, boolean][] = [
    // what is stored is of before, what is settled of after it
    ["with its process's entry before it not published", ({ before }) => before, false],
    ['when the result before it is published', ({ height }) => height - 1, true],
    ['with it evaluated and not published', ({ height }) => height, false],
    ['with it published and not stored', ({ height }) => height, true],
    ['with the entry behind it not published', ({ height }) => height + 1, false],
  ]
  test.each(kinds.flatMap((kind) => moments.map((moment) => [kind, ...moment] as const)))(
    'an upgrade %s: the owner dies %s',
    async (kind, _moment, heightOf, isWritten) => {
      const place = places.get(kind) as Place
      const at = { partition: place.partition, height: heightOf(place) }
      const lives = [newLife(), newLife()] as const
      let struck: Life | undefined
      // results are settled well before they are published: the ledger is ahead of the store
      const strike = (life: Life): Log => ({
        ...passing(rig.log),
        join: (options) => rig.log.join({ ...options, batchRecordsMax: 1, inFlight: 6 }),
        append: async (topic, to, list) => {
          if (topic === TOPICS.outbox) await new Promise((resolve) => setTimeout(resolve, 3))
          const isIt = topic === TOPICS.outbox && to === at.partition && holds(list, at.height)
          if (!isIt || struck !== undefined) return rig.log.append(topic, to, list)
          struck = life
          life.alive = false
          if (isWritten) await rig.log.append(topic, to, list)
          return new Promise<never>(() => undefined)
        },
      })
      // a run of each result
      const limits = { runBytesMax: 1, instancesMax: 2 }
      const stores = lives.map(() => createMemoryStore())
      const running: Dre[] = []
      for (const [index, life] of lives.entries()) {
        const store = stores[index] as (typeof stores)[number]
        running.push(await start({ life, log: strike(life), store, limits }))
      }
      await until(() => running.every((dre) => ownedBy(dre).length === 1))
      await copyLog(recorded, rig)
      await until(() => struck !== undefined)
      const index = lives.indexOf(struck as Life)
      await running[index]?.kill()
      await agrees(running)
      // and it comes back, with what it had
      running[index] = await start({ store: stores[index] as (typeof stores)[number], limits })
      await running[1 - index]?.stop()
      const back = running[index]
      await until(() => back.halted.length + failures.length > 0 || isDone(back))
      await agrees(running)
    },
  )

  test('whoever dies at any append: the same results and snapshots', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await rig.close()
        rig = await Rig.open(recorded.network)
        failures = []
        await agrees(await livesAndDeaths(recorded, rig, seededRandom(seed), start))
      }),
      { numRuns: 4 },
    )
  }, 60_000)
})

const ownedBy = ({ service }: Dre): number[] =>
  Array.from({ length: PARTITIONS }, (_, each) => each).filter((each) => service.owned(each))

function holds(records: readonly LogRecord[], height: number): boolean {
  return records.some(({ value }) => {
    const { results } = RECORDS.decodeRun(asBuffer(value as Uint8Array))
    return results.some((result) => result.height === height)
  })
}

async function placesIn(rig: Rig): Promise<Map<Kind, Place>> {
  const places = new Map<Kind, Place>()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { entries } = await rig.chain(partition)
    const results = await rig.results(partition)
    for (const { message, height } of entries) {
      if (!isUpgrade(message) || message.caller !== message.process) continue
      const own = entries.filter((entry) => entry.message.process === message.process)
      const at = own.findIndex((entry) => entry.height === height)
      const [first, before] = own.slice(Math.max(0, at - 2), at)
      // of one interval, all is settled while its first result is published
      const start = intervalOf(height, INTERVAL) * INTERVAL
      const isAhead = first !== undefined && first.height > start
      if (before === undefined || !isAhead || own[at + 1] === undefined) continue
      const isSource = Buffer.from(message.data).includes('"source"')
      const ok = isSource ? 'by its source' : 'by its hash'
      const kind = results[height]?.status === 'ok' ? ok : 'that fails'
      if (!places.has(kind)) places.set(kind, { partition, height, before: before.height })
    }
  }
  expect(places.size).toBe(3)
  return places
}
