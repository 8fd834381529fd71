// Upgrades in worker threads that die: during migrate, just after it, and with what is behind it in
// one batch. Whatever dies, the results are those of a fresh replay.

import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { rebuild } from '../../src/dre/index.ts'
import { openEvaluator } from '../../src/node/index.ts'
import { LEVELS } from '../../src/node/host.ts'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Evaluator } from '../../src/runtime/evaluator/port.ts'
import { createWorkerEvaluator } from '../../src/runtime/evaluator/workers.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { passing } from '../../src/log/passing/index.ts'
import { Rig } from '../node/rig.ts'
import type { MortalHostData } from './mortal-host.ts'
import { agreesWith, copyLog, INTERVAL, takeDown } from './recorded.ts'
import type { Recorded } from './recorded.ts'

/** Says what it did as an event, with its version and the slot. Input {upgrade}: to itself. */
const handleOf = (version: string): string => `
const said = (action) => ({ kind: 'event', data: '${version} ' + action.kind + ' ' + action.slot })
exports.handle = (state, action) => {
  if (action.kind === 'spawn') state.self = action.input.process
  state.by = (state.by ?? '') + '${version}'
  const { upgrade } = action.input ?? {}
  const messages = [said(action)]
  if (upgrade) messages.push({ kind: 'upgrade', target: state.self, data: upgrade })
  return { messages }
}
`
const V2 = `${handleOf('b')}exports.migrate = async (state, action) => {
  state.migrated = action.slot
  await null
  return { messages: [said(action)] }
}`
/** It says its word before it is refused: no result of it is kept. */
const BAD = `${handleOf('c')}exports.migrate = (state, action) => {
  state.by = 'lost'
  return { messages: [said(action), 7] }
}`

const network = openNetwork(
  makeGenesis({
    name: 'workers',
    salt: 'workers',
    partitions: 1,
    intervalLength: INTERVAL,
    sandbox: SANDBOX,
    processes: ['a', 'other'].map((name) => ({
      name,
      nonce: grindNonce('workers', name, 0, 1),
      engine: 'quickjs' as const,
      source: handleOf('a'),
      state: {},
    })),
  }),
)

describe('an upgrade in a worker', () => {
  let recorded: Recorded
  let rig: Rig
  let evaluator: Evaluator | undefined
  beforeAll(async () => {
    recorded = await record()
  }, 30_000)
  afterEach(async () => {
    await rig.close()
    await evaluator?.close()
  })

  /** Slots of `a`: 1 asks, 2 is the upgrade that holds; 4 asks, 5 is the one that fails. */
  async function record(): Promise<Recorded> {
    const inline = await openEvaluator(network, 0)
    const ran = await Rig.open(network)
    await ran.sequencer()
    await ran.dre({ evaluator: inline })
    await ran.relayer()
    const [a, other] = [ran.id('a'), ran.id('other')]
    for (const upgrade of [V2, BAD]) {
      await ran.send(ran.item(a, { upgrade: { source: upgrade } }))
      await ran.quiet()
      await ran.send(ran.item(other), ran.item(a))
      await ran.quiet()
    }
    const results = await ran.results(0)
    expect(results.filter(({ status }) => status === 'error').map(({ code }) => code)).toEqual([
      'outbox-malformed',
    ])
    const rebuilt: string[] = []
    const fresh = { evaluator: await openEvaluator(network, 0), store: createMemoryStore() }
    const onResult = ({ result }: { result: (typeof results)[number] }): void =>
      void rebuilt.push(ran.leaf(0, result))
    await rebuild({ network, log: ran.log, partition: 0, ...fresh, onResult })
    expect(rebuilt).toEqual(results.map((result) => ran.leaf(0, result)))
    const taken = await takeDown(ran)
    await inline.close()
    await fresh.evaluator.close()
    return taken
  }

  test.each([
    ['during migrate', 'b upgrade 2', 1, 1],
    ['during migrate', 'b upgrade 2', 1, 500],
    ['twice during migrate', 'b upgrade 2', 2, 500],
    ['just after it', 'b message 3', 1, 1],
    ['just after it', 'b message 3', 1, 500],
    ['during a migrate that fails', 'c upgrade 5', 1, 500],
    ['in the message that asks for it', 'a message 1', 1, 500],
  ])('that dies %s (%s, %i times, batches of %i)', async (_when, word, deaths, batch) => {
    const left = new Int32Array(new SharedArrayBuffer(4)).fill(deaths)
    const { limits } = network.genesis
    const hostData: MortalHostData = { limits, word, left }
    const hostUrl = new URL('./mortal-host.ts', import.meta.url).href
    evaluator = await createWorkerEvaluator({ limits, workers: 1, hostUrl, hostData, levels: LEVELS })
    rig = await Rig.open(network)
    const log = {
      ...passing(rig.log),
      join: (options: Parameters<typeof rig.log.join>[0]) =>
        rig.log.join({ ...options, batchRecordsMax: batch, inFlight: 3 }),
    }
    await copyLog(recorded, rig)
    const { halted } = await rig.dre({ log, evaluator })
    await agreesWith(recorded, rig)
    expect(halted).toEqual([])
    expect(evaluator.figures().workersLost).toBe(deaths)
  })
})
