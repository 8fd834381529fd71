// Other code over a recorded history, by the real sandbox: the same code differs nowhere, and what
// differs is what it does, not what came before.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { tryCode } from '../../src/replay/index.ts'
import type { Trial, TrialDifference, TrialOptions } from '../../src/replay/index.ts'
import { EDITOR, editorNetwork, RecordedNode } from './recorded-node.ts'

let live: RecordedNode
beforeAll(async () => {
  live = await RecordedNode.start(editorNetwork(8))
  const tell = { tell: [live.id('c'), { set: ['x', 1] }] }
  for (const input of [{ set: ['x', 1] }, tell, { fail: 'no' }, { set: ['x', 2] }, { push: 3 }]) {
    await live.send('a', input)
  }
  for (let n = 0; n < 20; n++) await live.send('a', { set: ['y', n] })
  await live.quiet()
}, 60_000)
afterAll(() => live.close())

async function trial(
  source: string,
  options: Partial<TrialOptions> = {},
): Promise<Trial & { found: TrialDifference[] }> {
  const { network } = live
  const code = { engine: 'quickjs' as const, source, hash: toBase64Url(sha256(Buffer.from(source))) }
  const found: TrialDifference[] = []
  const onDifference = (each: TrialDifference): void => void found.push(each)
  const benches = { own: await live.bench(), other: await live.bench() }
  const log = await live.reader()
  const place = { network, log, applicationId: 'hb', process: live.id('a') }
  return { ...(await tryCode({ ...place, code, ...benches, onDifference, ...options })), found }
}

test('the same code, and the same in other words: nothing differs', async () => {
  for (const source of [EDITOR, EDITOR.replace('?? 0) + 1', '?? 0) + (2 - 1)')]) {
    const { entries, different, sameState, found } = await trial(source)
    expect([entries, different, sameState, found]).toEqual([26, 0, true, []])
  }
})

test('status, changes and messages, each where it is another one', async () => {
  const changed = EDITOR.replace('throw new Error(fail)', '(state.count -= 1, state.failed = fail)').replace(
    "Action: 'Told'",
    "Action: 'Tell'",
  )
  const { different, sameState, found } = await trial(changed)
  expect([different, sameState]).toEqual([2, false])
  expect(found.map(({ slot, fields, action }) => [slot, fields, action])).toEqual([
    [2, ['messages'], 'Edit'],
    [3, ['status', 'code', 'text', 'changes'], 'Edit'],
  ])
  const results = await live.node.api.results(live.id('a'), 2, 2)
  // what was recorded is what is served
  expect(found.map(({ recorded }) => recorded.stateHash)).toEqual(
    results.map(({ stateHash }) => stateHash),
  )
  expect(found[0]?.messages).toMatchObject([
    { index: 0, recorded: { tags: { Action: 'Told' } }, tried: { tags: { Action: 'Tell' } } },
  ])
  expect(found[1]).toMatchObject({ recorded: { status: 'error' }, tried: { status: 'ok' } })
})

test('from a height on: the state of then, and only what follows', async () => {
  const [third] = await live.node.api.results(live.id('a'), 20, 1)
  const from = third?.height as number
  const counting = EDITOR.replace('?? 0) + 1', '?? 0) + 10')
  const { began, entries, different, found } = await trial(counting, { from })
  expect(began.at).toBe('manifest')
  expect([entries, different]).toEqual([6, 6])
  expect(found[0]).toMatchObject({ slot: 20, height: from, fields: ['changes'] })
  expect((await trial(EDITOR, { from, to: from + 2 })).sameState).toBe(true)
})

test('code that cannot be opened, and a process that is not there', async () => {
  await expect(trial('this is no script')).rejects.toThrow('module')
  await expect(trial(EDITOR, { process: 'A'.repeat(43) })).rejects.toThrow('no such process')
})
