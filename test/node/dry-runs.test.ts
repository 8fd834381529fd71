// A dry run tells what the message would do, to the byte, and changes nothing.

import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { messageFields } from '../../src/client/index.ts'
import type { DryRunView, NodeApi, ResultView } from '../../src/node/api.ts'
import type { NodeOptions, RunningNode } from '../../src/node/node.ts'
import { composeNode } from '../../src/node/node.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log } from '../../src/log/port.ts'
import { ownerAddress, signDataItem } from '../../src/protocol/ans104/index.ts'
import type { DryRunSpec } from '../../src/protocol/dry-run.ts'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { strictJson, text } from '../protocol/arbitraries.ts'
import { ed25519Key, idOf } from '../protocol/fixtures.ts'
import { TOPICS } from './rig.ts'

/** Does what it is told, with all that an action shows: time, randomness, place, allowance. */
const ACTOR = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  state.list ??= []
  const { set, push, spin, tell, fail } = action.input ?? {}
  if (set !== undefined) state[set[0]] = set[1]
  if (push !== undefined) state.list.push([push, Math.random(), action.timestamp])
  state.seen = [action.id, action.slot, action.height, action.caller, action.from, action.hops]
  for (let n = 0; n < (spin ?? 0); n++) state.count += n % 2
  if (fail !== undefined) throw new Error(fail)
  if (action.tags.Action === 'For-Ever') for (;;) state.count += 1
  if (tell === undefined) return {}
  const { to, fail: failing } = tell
  return {
    messages: [
      { target: to, data: failing === undefined ? {} : { fail: failing }, tags: { Action: 'Told' } },
      { kind: 'event', tags: { Action: 'Has-Told' }, data: 'é' },
    ],
  }
}
`
const NOW = Date.UTC(2031, 4, 1)
const key = ed25519Key()
const caller = ownerAddress(key.owner)

const network = openNetwork(
  makeGenesis({
    name: 'dry runs',
    salt: 'd',
    partitions: 2,
    intervalLength: 8,
    sandbox: SANDBOX,
    limits: { gasMax: 2_000_000 },
    processes: ['a', 'b', 'broken'].map((name, index) => ({
      name,
      nonce: grindNonce('d', name, index % 2, 2),
      engine: 'quickjs' as const,
      source: name === 'broken' ? 'exports.handle = () => { throw new Error("no") }' : ACTOR,
      state: {},
    })),
  }),
)
const [a, b, broken] = [...network.processIds.values()] as [string, string, string]
const partition = (process: string): number => partitionOf(process, 2)

let log: Log
let node: RunningNode
let store: Store
afterEach(async () => {
  await node.close()
  await log.close()
})

/** Its time stands still, so that an entry has the timestamp of the dry run before it. */
async function open(options: Partial<NodeOptions> = {}): Promise<NodeApi> {
  const clock = { ...systemClock, now: () => NOW }
  log = createMemoryLog({ drainTimeoutMs: 50, clock })
  store = createMemoryStore()
  node = await composeNode({
    genesis: network.genesis,
    log,
    clock,
    sequencerStore: createMemoryStore(),
    dreStore: store,
    evaluatorWorkers: 0,
    verifierThreads: 0,
    ...options,
  })
  await settled(node.api)
  return node.api
}

type Told = { readonly action?: string; readonly data?: object; readonly hops?: number }

function signed(target: string, told: Told): Buffer {
  return signDataItem(key, messageFields({ network: network.id, generation: 0 }, { target, ...told }))
}

async function send(api: NodeApi, item: Buffer): Promise<ResultView> {
  const [submitted] = await api.submit([item])
  if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
  const { result } = await api.waitFor(submitted.id, 'result', 8_000)
  if (result === undefined) throw new Error('no result')
  return result
}

/** What a dry run shows of an outcome, out of a real result and what was stored with it. */
async function real(api: NodeApi, result: ResultView): Promise<Partial<DryRunView>> {
  const { process, slot, status, code, text, gas } = result
  const messages = result.messages.map(({ id: _id, seq: _seq, ...message }) => message)
  const owned = node.dre?.owned(partition(process))
  const [changes] = owned?.store.changes(process, slot, slot) ?? []
  const state = await api.state(process)
  expect(state?.slot).toBe(slot)
  return { process, status, code, text, gas, messages, changes: changes ?? '', state: state?.text ?? '' }
}

function outcome({ slot: _, stateHash: _hash, timestamp: _time, ...rest }: DryRunView) {
  return rest
}

/** Everything that lasts: what is in the topics, and what the DRE stored. */
async function lasting(): Promise<unknown> {
  const ends = await Promise.all(Object.values(TOPICS).map((topic) => log.ends(topic)))
  const rows = [...store.range({ from: '', to: '\u{10ffff}' })]
  const kept = rows.map(({ key: name, value }) => [name, Buffer.from(value).toString('base64')])
  return { ends, kept, live: node.evaluator?.figures() }
}

const input = fc.record(
  {
    set: fc.tuple(fc.constantFrom('x', 'y', '1'), strictJson),
    push: fc.integer(),
    spin: fc.constantFrom(10, 1_000),
    tell: fc.record({ to: fc.constantFrom(b, caller) }),
    fail: text,
  },
  { requiredKeys: [] },
)
const told = fc.record({
  action: fc.constantFrom('Edit', 'Other'),
  data: fc.oneof({ weight: 9, arbitrary: input }, { weight: 1, arbitrary: fc.constant({ fail: '' }) }),
  hops: fc.constantFrom(0, 1, 64),
})

describe('a dry run', () => {
  test.each([0, 1])('is what the message does that is sent then; %i workers', async (workers) => {
    const api = await open({ evaluatorWorkers: workers })
    const statuses = new Set<string>()
    await fc.assert(
      fc.asyncProperty(told, async (each) => {
        const item = signed(a, each)
        const { id } = signedMessage(network, item)
        await settled(api)
        const before = await api.process(a)
        const view = await api.dryRun(a, { caller, id, ...each }, true)
        const { slot, stateHash, timestamp } = view
        expect([slot, stateHash, timestamp]).toEqual([before?.slot, before?.stateHash, NOW])
        const result = await send(api, item)
        const then = await real(api, result)
        expect(outcome(view)).toEqual(then)
        // and the same again, on the state that has gone by, where it is kept
        const again = await api.dryRun(a, { caller, id, ...each, atSlot: slot }, true).catch(codeOf)
        if (again !== 'state-not-kept') expect(again).toEqual(view)
        statuses.add(again === 'state-not-kept' ? 'gone' : view.status)
      }),
      { numRuns: workers === 0 ? 60 : 15 },
    )
    // also those on a state that had gone by
    if (workers === 0) expect([...statuses]).toEqual(expect.arrayContaining(['error', 'ok']))
  }, 60_000)

  test('changes nothing, nor what comes after it', async () => {
    const items = [{ push: 1 }, { tell: { to: b } }, { set: ['x', 2] }, { push: 2 }, { fail: 'x' }]
      .map((data) => signed(a, { data }))
    const hashes: string[][] = []
    for (const tries of [0, 2]) {
      const api = await open()
      const seen: string[] = []
      for (const item of items) {
        const before = await quietly(api)
        for (let n = 0; n < tries; n++) {
          const spec = { caller, data: { push: 9, tell: { to: b } } }
          expect((await api.dryRun(a, spec, true)).status).toBe('ok')
        }
        if (tries > 0) expect(await lasting()).toEqual(before)
        seen.push((await send(api, item)).stateHash)
      }
      await quietly(api)
      seen.push((await api.process(b))?.stateHash ?? '')
      hashes.push(seen)
      await node.close()
      await log.close()
    }
    expect(hashes[1]).toEqual(hashes[0])
    expect(new Set(hashes[0]).size).toBe(items.length + 1)
  })

  test('of a process’s message: its result, and the bounce of one that fails', async () => {
    const api = await open()
    for (const fail of [undefined, 'told to']) {
      const data = { tell: { to: b, ...(fail !== undefined && { fail }) } }
      const tried = await api.dryRun(a, { caller, data })
      const before = await quietly(api)
      const slot = (await api.process(b))?.slot ?? -1
      const { messages } = await send(api, signed(a, { data }))
      const [sent] = messages
      const { id: _none, seq: _seq, ...content } = sent as NonNullable<typeof sent>
      expect(tried.messages[0]).toEqual(content)
      expect(await quietly(api)).not.toEqual(before)
      const done = await real(api, (await api.results(b, slot + 1, 1))[0] as ResultView)
      const { tags, data: text, hops, count, budget } = content
      const spec: DryRunSpec = { caller: a, from: 'process', tags, data: text, hops, count, budget }
      const run = await api.dryRun(b, { ...spec, id: sent?.id ?? '', atSlot: slot }, true)
      expect(outcome(run)).toEqual(done)
      expect(run.messages.map(({ kind }) => kind)).toEqual(fail === undefined ? [] : ['bounce'])
      await quietly(api)
    }
  })

  test('that never ends costs the gas of a message, and leaves the state as it is', async () => {
    const api = await open()
    const state = (await api.state(a))?.text
    const run = await api.dryRun(a, { caller, action: 'For-Ever' }, true)
    expect(run).toMatchObject({ status: 'error', code: 'gas-exhausted', changes: '[]', state })
    expect(run.gas).toBe(network.genesis.limits.gasMax)
  })

  test('of a time, in the past or to come', async () => {
    const api = await open()
    const spec = { caller, data: { push: 1 }, timestamp: 12_345 }
    const { timestamp, state } = await api.dryRun(a, spec, true)
    expect([timestamp, (JSON.parse(state ?? '') as { list: unknown[][] }).list[0]?.[2]]).toEqual([
      12_345, 12_345,
    ])
  })

  test('of what is not, what failed, what is gone, and what there was never', async () => {
    const api = await open()
    await expect(api.dryRun(idOf('nobody'), { caller })).rejects.toMatchObject({
      code: 'process-not-found',
    })
    const failed = await api.dryRun(broken, { caller }, true)
    expect(failed).toMatchObject({ status: 'error', code: 'process-failed', slot: 0 })
    expect(failed).not.toHaveProperty('state')
    for (let n = 0; n < 20; n++) await send(api, signed(a, { data: { set: ['x', 'y'.repeat(n)] } }))
    await quietly(api)
    await expect(api.dryRun(a, { caller, atSlot: 99 })).rejects.toMatchObject({
      code: 'state-unknown',
    })
    await expect(api.dryRun(a, { caller, atSlot: 0 })).rejects.toMatchObject({
      code: 'state-not-kept',
      advice: expect.stringContaining('hb dry-run --at-slot'),
    })
    expect((await api.dryRun(a, { caller, atSlot: 19 })).slot).toBe(19)
    await expect(api.dryRun(a, { caller, kind: 'notice' })).rejects.toMatchObject({
      code: 'dry-run-malformed',
    })
  })

  test('is refused where as many are under way; places come back, whatever became of them', async () => {
    const api = await open({ limits: { dryRuns: { dryRunsMax: 2 } } })
    for (let round = 0; round < 3; round++) {
      const runs = [a, idOf('nobody'), b].map((id) => api.dryRun(id, { caller }).then(okOf, codeOf))
      expect(await Promise.all(runs)).toEqual(['ok', 'process-not-found', 'dry-runs-too-many'])
    }
    const metrics = await api.metrics()
    const { samples } = metrics.find(({ name }) => name === 'hb_node_dry_runs_total') ?? {}
    expect(samples).toEqual([
      { labels: { status: 'ok' }, value: 3 },
      { labels: { status: 'error' }, value: 0 },
      { labels: { status: 'refused' }, value: 6 },
    ])
  })

  test('ends when the node closes', async () => {
    const api = await open({ evaluatorWorkers: 1 })
    await api.dryRun(a, { caller })
    const under = api.dryRun(a, { caller, action: 'For-Ever' }).then(okOf, codeOf)
    await node.close()
    expect(['node-stopping', 'error']).toContain(await under)
    expect(await api.dryRun(a, { caller }).then(okOf, codeOf)).toBe('node-stopping')
  })
})

function okOf({ status }: DryRunView): string {
  return status
}

function codeOf(error: unknown): string {
  return (error as { code: string }).code
}

/** When everything that was sent is evaluated, and stored. */
async function settled(api: NodeApi): Promise<void> {
  for (let before = '', same = 0; same < 3; ) {
    const { partitions } = api.health()
    const now = JSON.stringify(partitions)
    same = now === before && partitions.every((p) => p.height >= 0 && p.height === p.evaluated) ? same + 1 : 0
    before = now
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** What lasts once nothing moves any more. */
async function quietly(api: NodeApi): Promise<unknown> {
  await settled(api)
  for (let before = '', same = 0; ; ) {
    const now = await lasting()
    const text = JSON.stringify(now)
    same = text === before ? same + 1 : 0
    if (same === 5) return now
    before = text
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
