// Upgrades: which module an entry is evaluated with is a function of the log, for whoever evaluates
// it in one go, in pieces, from a store, from a manifest, after losses, or as a standby.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { passing } from '../../src/log/passing/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Message } from '../../src/protocol/message.ts'
import type { Result } from '../../src/protocol/result.ts'
import { statesAt, tryCode } from '../../src/replay/index.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { CONTRACTS } from '../node/contracts.ts'
import { copyOf, newLife } from '../node/mortal.ts'
import { losingEvaluator, plainEvaluator } from '../node/plain-evaluator.ts'
import { Rig, rigNetwork, TOPICS } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { agreesWith, copyLog } from './recorded.ts'
import { hashOf, isUpgrade, PARTITIONS, recordUpgrades, SOURCES } from './recorded-upgrades.ts'

const byHash = new Map(SOURCES.map((source) => [hashOf(source), source]))

function sourceIn({ data }: Message): string {
  const { source, module } = JSON.parse(Buffer.from(data).toString()) as Record<string, string>
  return source ?? (byHash.get(module as string) as string)
}

/** What each process ran at each slot, by the entries and verdicts alone. */
function versionsOf(process: string, first: string, entries: readonly Entry[], results: Result[]) {
  const versions: { slot: number; ok: boolean; upgrade: boolean; version: string }[] = []
  let version = first
  for (const { message, height } of entries) {
    if (message.process !== process) continue
    const { slot, status } = results[height] as Result
    const upgrade = isUpgrade(message)
    if (upgrade && status === 'ok') version = sourceIn(message)
    versions.push({ slot, ok: status === 'ok', upgrade, version })
  }
  return versions
}

/** Every entry was evaluated with the module that the last good upgrade before it gave. */
async function checkVersions(rig: Rig): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { entries } = await rig.chain(partition)
    const results = await rig.results(partition)
    for (const name of ['shift-a', 'shift-b']) {
      const process = rig.id(`${name}-${partition}`)
      const { by } = await stateNow(rig, process, entries.length - 1)
      const expected = versionsOf(process, name, entries, results)
        .filter(({ ok, upgrade, version }) => ok && !(upgrade && version === 'shift-b'))
        .map(({ slot, version }) => [String(slot), version])
      expect(by).toEqual(Object.fromEntries(expected))
    }
  }
}

async function stateNow(rig: Rig, process: string, height: number) {
  const about = { network: rig.network, log: rig.log, applicationId: 'hb', process }
  const scratch = { evaluator: rig.evaluator(), store: createMemoryStore() }
  const { states } = await statesAt({ ...about, ...scratch, points: [{ height }] })
  return JSON.parse(states[0]?.text as string) as { by: Record<string, string> }
}

describe('upgrades', () => {
  let recorded: Recorded
  let rig: Rig
  beforeAll(async () => {
    recorded = await recordUpgrades(7, checkVersions)
  }, 20_000)
  beforeEach(() => open())
  afterEach(() => rig.close())

  async function open(): Promise<void> {
    await rig?.close()
    rig = await Rig.open(recorded.network)
  }

  const batched = (log: Log, batchRecordsMax: number, inFlight: number): Log => ({
    ...passing(log),
    join: (options) => log.join({ ...options, batchRecordsMax, inFlight }),
  })

  /** Results are settled well before they are published: the ledger runs ahead of the store. */
  const slow = (log: Log): Log => ({
    ...passing(log),
    append: async (topic, partition, records) => {
      if (topic === TOPICS.outbox) await new Promise((resolve) => setTimeout(resolve, 3))
      return log.append(topic, partition, records)
    },
  })

  const agrees = (): Promise<void> => agreesWith(recorded, rig)

  async function recordedUpgrades(): Promise<{ ok: number; codes: Set<string> }> {
    await copyLog(recorded, rig)
    await rig.dre()
    await agrees()
    let ok = 0
    const codes = new Set<string>()
    for (const [partition] of recorded.leaves.entries()) {
      const { entries } = await rig.chain(partition)
      const results = await rig.results(partition)
      for (const { message, height } of entries.filter((each) => isUpgrade(each.message))) {
        const { status, code } = results[height] as Result
        if (status === 'ok') ok += 1
        else codes.add(`${message.caller === message.process ? 'own' : 'foreign'} ${code}`)
      }
    }
    return { ok, codes }
  }

  test('the recorded log holds what it is meant to hold', async () => {
    const { ok, codes } = await recordedUpgrades()
    expect(ok).toBeGreaterThan(10)
    expect([...codes].sort()).toEqual([
      'foreign process-failed',
      'foreign upgrade-foreign',
      'own contract-error',
      'own module-invalid',
      'own module-unknown',
    ])
  })

  test.each([
    [1, 1, 512, 800_000],
    [3, 2, 1, 600],
    [500, 3, 2, 2_000],
    [2, 4, 512, 1],
  ])(
    'batches of %i, %i in flight, %i instances, runs of %i bytes: the same results and snapshots',
    async (batch, inFlight, instancesMax, runBytesMax) => {
      const log = batched(rig.log, batch, inFlight)
      const { halted } = await rig.dre({ log, limits: { instancesMax, runBytesMax } })
      await copyLog(recorded, rig)
      await agrees()
      expect(halted).toEqual([])
    },
  )

  test('random histories: lost and faulty workers do not show', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await open()
        const random = seededRandom(seed)
        const inner = plainEvaluator(recorded.network, CONTRACTS)
        const evaluator = losingEvaluator(inner, random, 0.15)
        const log = batched(rig.log, 1 + random.below(12), 1 + random.below(4))
        const limits = { instancesMax: 1 + random.below(4), triesMax: 50 }
        const { halted } = await rig.dre({ log, evaluator, limits })
        await copyLog(recorded, rig)
        await agrees()
        expect(halted).toEqual([])
      }),
      { numRuns: 12 },
    )
  }, 30_000)

  test('whoever dies at any append goes on with its store, an older one or none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await open()
        const random = seededRandom(seed)
        const length = Math.max(...recorded.log.map((each) => each.length))
        let store = createMemoryStore()
        let older = store
        for (let from = 0; from < length; ) {
          const to = from + 3 + random.below(16)
          const kind = random.below(4)
          if (kind === 0) store = createMemoryStore()
          if (kind === 1) store = older
          older = await copyOf(store)
          const life = newLife(1 + random.below(12), random.below(2) === 0)
          const log = batched(slow(rig.log), 1 + random.below(3), 4)
          const running = await rig.dre({ log, store, life })
          const died = new Promise<void>((resolve) => (life.died = resolve))
          await copyLog(recorded, rig, to, from)
          from = to
          await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 60))])
          await running.kill()
          expect(running.halted).toEqual([])
        }
        await rig.dre({ store })
        await agrees()
      }),
      { numRuns: 4 },
    )
  }, 30_000)

  test('code that is tried on the record is replaced by an upgrade there, as any other', async () => {
    await rig.close()
    rig = await Rig.open(rigNetwork(['shift-a'], { partitions: 1 }))
    await rig.sequencer()
    await rig.dre()
    await rig.relayer()
    const process = rig.id('shift-a-0')
    await rig.send(rig.item(process, { steps: [{ to: 'shift-c' }] }))
    await rig.quiet()
    await rig.send(rig.item(process, {}))
    await rig.quiet()
    const bench = () => ({ evaluator: rig.evaluator(), store: createMemoryStore() })
    const differing: number[] = []
    const trial = await tryCode({
      network: rig.network,
      log: rig.log,
      applicationId: 'hb',
      process,
      code: { engine: 'quickjs', source: 'shift-d', hash: hashOf('shift-d') },
      own: bench(),
      other: bench(),
      onDifference: ({ slot }) => differing.push(slot),
    })
    // the spawn and the message before it
    expect(differing).toEqual([0, 1])
    expect(trial).toMatchObject({ entries: 4, different: 2, sameState: false })
  })
})
