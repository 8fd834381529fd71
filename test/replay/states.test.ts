// A state by replay is the state that was served: whatever was done, at every slot, height and
// time, from manifests and from genesis.

import { afterEach, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { statesAt } from '../../src/replay/index.ts'
import type { Point, StateThen } from '../../src/replay/index.ts'
import { HbError } from '../../src/std/errors.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { strictJson } from '../protocol/arbitraries.ts'
import { editorNetwork, RecordedNode } from './recorded-node.ts'

let live: RecordedNode | undefined
afterEach(async () => {
  await live?.close()
  live = undefined
})

const name = fc.constantFrom('a', 'b', 'c')
const value = strictJson
const key = fc.constantFrom('x', 'y', 'z', '1')
const edit = fc.oneof(
  fc.record({ set: fc.tuple(key, value) }),
  fc.record({ drop: key }),
  fc.record({ push: value }),
  fc.constant({ pop: true }),
  fc.record({ fail: fc.string({ maxLength: 9 }) }),
)
const tell = fc.record({ tell: fc.tuple(name, edit) })
const programs = fc.array(fc.tuple(name, fc.oneof(edit, tell)), { minLength: 6, maxLength: 24 })

async function at(node: RecordedNode, process: string, points: readonly Point[]) {
  const { network } = node
  const log = await node.reader()
  const bench = await node.bench()
  return statesAt({ network, log, applicationId: 'hb', ...bench, process, points })
}

async function perform(
  node: RecordedNode,
  program: readonly (readonly [string, object])[],
): Promise<void> {
  for (const [to, input] of program) {
    const { tell: told } = input as { tell?: [string, unknown] }
    await node.send(to, told === undefined ? input : { tell: [node.id(told[0]), told[1]] })
    await node.record('a')
  }
  await node.quiet()
  for (const each of ['a', 'b', 'c']) await node.record(each)
}

function brief({ slot, stateHash, text }: StateThen) {
  return { slot, stateHash: toBase64Url(stateHash), text }
}

test('at each slot that was seen live, the same text and hash', async () => {
  const property = fc.asyncProperty(programs, fc.constantFrom(4, 8, 1_000), async (program, n) => {
    const node = await RecordedNode.start(editorNetwork(n))
    live = node
    await perform(node, program)
    for (const [process, slots] of node.states) {
      const points = [...slots.keys()].sort((a, b) => a - b).map((slot) => ({ slot }))
      const { states } = await at(node, process, points)
      expect(states.map(brief)).toEqual(
        points.map(({ slot }) => {
          const { stateHash, text } = slots.get(slot) as { stateHash: string; text: string }
          return { slot, stateHash, text }
        }),
      )
      // one by one: each begins at a manifest of its own
      for (const point of points.slice(-3)) {
        const alone = await at(node, process, [point])
        expect(alone.states.map(brief)).toEqual([brief(states[points.indexOf(point)] as StateThen)])
      }
      // a height or a time names the last slot within it (a state out of a manifest has no time)
      const { height, timestamp } = states.at(-1) as StateThen
      const byHeight = await at(node, process, [{ height }])
      expect(byHeight.states.map(brief)).toEqual([brief(states.at(-1) as StateThen)])
      const byTime = await at(node, process, [{ time: (timestamp ?? Date.now()) + 1_000_000 }])
      expect(byTime.states[0]?.slot).toBe(states.at(-1)?.slot)
    }
    await node.close()
    live = undefined
  })
  await fc.assert(property, { numRuns: 4 })
}, 120_000)

test('begins at the newest manifest before the point, and says so', async () => {
  live = await RecordedNode.start(editorNetwork(4))
  for (let n = 0; n < 14; n++) await live.send('a', { set: ['x', n] })
  await live.quiet()
  const a = live.id('a')
  const last = (await live.node.api.process(a))?.height ?? 0
  const late = await at(live, a, [{ height: last }])
  expect(late.began.at).toBe('manifest')
  expect(late.began.height).toBeGreaterThanOrEqual(last - 4)
  expect(JSON.parse(late.states[0]?.text ?? '')).toMatchObject({ x: 13 })
  const early = await at(live, a, [{ slot: 1 }])
  expect(early.began.height).toBeLessThan(3)
  expect(JSON.parse(early.states[0]?.text ?? '')).toMatchObject({ x: 0 })
})

test('what was not is an error that says what there is', async () => {
  live = await RecordedNode.start()
  await live.send('a', { set: ['x', 1] })
  const a = live.id('a')
  const code = async (process: string, point: Point): Promise<string> => {
    const failed = await at(live as RecordedNode, process, [point]).catch((error: unknown) => error)
    return failed instanceof HbError ? `${failed.code}: ${failed.detail}` : 'none'
  }
  expect(await code(a, { slot: 2 })).toContain('its last slot is 1')
  expect(await code(a, { height: 99 })).toMatch(/^state-unknown: height 99: the log ends at height/)
  expect(await code(a, { time: 1 })).toContain('was not spawned then')
  expect(await code('A'.repeat(43), { slot: 0 })).toContain('process-not-found')
})
