import { setTimeout } from 'node:timers/promises'
// One suite for both evaluators, then what only workers can do: die, hang, and be replaced.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createInlineEvaluator } from '../../../src/runtime/evaluator/inline.ts'
import { createWorkerEvaluator } from '../../../src/runtime/evaluator/workers.ts'
import type {
  Evaluator,
  EvaluatorCommand,
  EvaluatorReply,
} from '../../../src/runtime/evaluator/port.ts'
import { sha256 } from '../../../src/std/bytes.ts'
import { actionText, LIMITS, moduleOf } from '../fixture.ts'
import { createHost } from './host.ts'

const COUNTER = `exports.handle = (state, action) => {
  state.n = (state.n || 0) + 1
  return { messages: Array.from({length: action.input || 0}, () => ({target: 'x', data: 'hi'})) }
}`
const parent = { hops: 5, count: 2, budget: '0' }
const hostUrl = new URL('./host.ts', import.meta.url).href

function open(process: string, source = COUNTER, snapshot = '{}'): EvaluatorCommand {
  return { kind: 'open', process, level: 1, module: moduleOf(source), snapshot }
}
function native(process: string, name: string): EvaluatorCommand {
  return {
    kind: 'open',
    process,
    level: 1,
    module: { engine: 'native', hash: sha256(Buffer.from(name)).toString('base64url'), source: name },
    snapshot: '{}',
  }
}
function evaluate(process: string, input: unknown = null): EvaluatorCommand {
  return { kind: 'evaluate', process, action: actionText({ input }), parent }
}
const kinds = (replies: EvaluatorReply[]): string[] => replies.map((reply) => reply.kind)

const levels = [1, 2]
const workerOptions = { limits: LIMITS, workers: 2, hostUrl, levels }
const adapters: [string, () => Promise<Evaluator>][] = [
  ['inline', () => createInlineEvaluator({ limits: LIMITS, host: createHost(undefined) })],
  ['workers', () => createWorkerEvaluator(workerOptions)],
]

describe.each(adapters)('evaluator: %s', (_name, create) => {
  let evaluator: Evaluator
  beforeAll(async () => {
    evaluator = await create()
  })
  afterAll(() => evaluator.close())

  test('a process is evaluated with what the level has that it was opened on', async () => {
    const on = (level: number): EvaluatorCommand => ({ ...native('l', 'level@1'), level }) as never
    const said = async (level: number): Promise<unknown> => {
      const [, reply] = await evaluator.run([on(level), evaluate('l')])
      return reply
    }
    const of = (data: number) => ({ evaluation: { messages: [{ target: 'x', data, hops: 4 }] } })
    expect(await said(1)).toMatchObject(of(1))
    expect(await said(2)).toMatchObject(of(2))
    expect(await said(1)).toMatchObject(of(1))
    // level 3 is of a sandbox that is not built in
    for (const level of [0, 3]) {
      const [reply] = await evaluator.run([on(level)])
      expect(reply).toMatchObject({ kind: 'fault', code: 'feature-level-unknown' })
    }
  })

  test('one reply per command, in the order of the commands', async () => {
    const replies = await evaluator.run([
      open('a'),
      open('b', COUNTER, '{"n":10}'),
      evaluate('a'),
      evaluate('b', 1),
      evaluate('a'),
      { kind: 'snapshot', process: 'a' },
      { kind: 'snapshot', process: 'b' },
      { kind: 'close', process: 'a' },
      evaluate('a'),
    ])
    expect(kinds(replies)).toEqual([
      'opened',
      'opened',
      'evaluated',
      'evaluated',
      'evaluated',
      'snapshot',
      'snapshot',
      'closed',
      'lost',
    ])
    expect(replies[5]).toEqual({ kind: 'snapshot', text: '{"n":2}' })
    expect(replies[6]).toEqual({ kind: 'snapshot', text: '{"n":11}' })
    expect(replies[3]).toMatchObject({
      evaluation: { status: 'ok', messages: [{ target: 'x', data: 'hi', hops: 4 }] },
    })
  })

  test('batches of one process keep their order without being awaited', async () => {
    await evaluator.run([open('c')])
    const runs = Array.from({ length: 20 }, () => evaluator.run([evaluate('c'), evaluate('c')]))
    const last = (await Promise.all(runs)).at(-1)
    expect(last?.[1]).toMatchObject({ evaluation: { changes: '["o",["n",["=",40]]]' } })
  })

  test('an outbox that the host refuses is an error result and leaves the state', async () => {
    const replies = await evaluator.run([
      open('d', COUNTER, '{"n":7}'),
      evaluate('d', 3),
      { kind: 'snapshot', process: 'd' },
    ])
    expect(replies[1]).toMatchObject({
      kind: 'evaluated',
      evaluation: { status: 'error', code: 'count-exhausted', text: 'too many' },
    })
    expect(replies[2]).toEqual({ kind: 'snapshot', text: '{"n":7}' })
  })

  test('what cannot be opened is refused, for everyone alike', async () => {
    const replies = await evaluator.run([
      open('e', 'exports.nothing = 1'),
      evaluate('e'),
      open('f', COUNTER, '[]'),
      native('g', 'unknown@1'),
      native('h', 'counter@1'),
      evaluate('h'),
    ])
    expect(replies[0]).toMatchObject({ kind: 'refused', code: 'module-invalid' })
    expect(replies[1]).toEqual({ kind: 'lost' })
    expect(replies[2]).toMatchObject({ kind: 'refused', code: 'state-not-json' })
    expect(replies[3]).toMatchObject({ kind: 'refused', code: 'module-invalid' })
    expect(replies[5]).toMatchObject({
      evaluation: { status: 'ok', changes: '["o",[],[],["n",["=",1]]]', gas: 1000 },
    })
  })

  test('figures follow what is open', async () => {
    const before = evaluator.figures().open
    await evaluator.run([open('i')])
    expect(evaluator.figures().open).toBe(before + 1)
    expect(evaluator.figures().memoryBytes).toBeGreaterThan(500_000)
    await evaluator.run([{ kind: 'close', process: 'i' }])
    expect(evaluator.figures()).toMatchObject({ open: before, commandsPending: 0 })
  })
})

describe('workers', () => {
  let evaluator: Evaluator
  beforeAll(async () => {
    evaluator = await createWorkerEvaluator({
      limits: LIMITS,
      workers: 1,
      hostUrl,
      levels,
      commandMsMax: 300,
      faultsMax: 2,
      commandsPendingMax: 50,
      modulesMax: 2,
    })
  })
  afterAll(() => evaluator.close())

  test('a worker that dies: its command is a fault, the rest is lost, and opening again works', async () => {
    await evaluator.run([open('a'), native('x', 'crash@1'), evaluate('a')])
    const replies = await evaluator.run([evaluate('a'), evaluate('x'), evaluate('a')])
    expect(kinds(replies)).toEqual(['lost', 'fault', 'lost'])
    expect(replies[1]).toMatchObject({ faults: 1, exhausted: false })
    expect(evaluator.figures()).toMatchObject({ open: 0, workersLost: 1 })
    expect(await evaluator.run([evaluate('a')])).toEqual([{ kind: 'lost' }])
    const again = await evaluator.run([open('a', COUNTER, '{"n":1}'), evaluate('a')])
    expect(again[1]).toMatchObject({ evaluation: { changes: '["o",["n",["=",2]]]' } })
    const second = await evaluator.run([native('x', 'crash@1'), evaluate('x')])
    expect(second[1]).toMatchObject({ kind: 'fault', faults: 2, exhausted: true })
  })

  test('of one batch, the commands of a process run one after another (X4)', async () => {
    const one = await createWorkerEvaluator({ ...workerOptions, workers: 1 })
    await one.run([native('a', 'seen@1'), native('b', 'seen@1')])
    const replies = await one.run(['a', 'b', 'a', 'b', 'b'].map((process) => evaluate(process)))
    const order = replies.map((reply) => {
      if (reply.kind !== 'evaluated' || reply.evaluation.status !== 'ok') return undefined
      return (reply.evaluation.messages as { data: number }[])[0]?.data
    })
    expect(order).toEqual([0, 2, 1, 3, 4])
    await one.close()
  })

  test('a worker that holds nothing is ended after a while, and started again on demand', async () => {
    const idle = await createWorkerEvaluator({ ...workerOptions, workers: 1, workerIdleMsMax: 20 })
    const many = Array.from({ length: 80 }, (_, n) => `idle-${n}`)
    await idle.run(many.map((process) => open(process, COUNTER, '{"n":1}')))
    await idle.run(many.map((process) => ({ kind: 'close', process })))
    while (idle.figures().workersRunning > 0) await setTimeout(5)
    const replies = await idle.run([open('again', COUNTER, '{"n":1}'), evaluate('again')])
    expect(replies[1]).toMatchObject({ evaluation: { changes: '["o",["n",["=",2]]]' } })
    expect(idle.figures()).toMatchObject({ workersRunning: 1, workersLost: 0, open: 1 })
    // one that holds something stays
    await setTimeout(60)
    expect(idle.figures().workersRunning).toBe(1)
    await idle.close()
  })

  test('a command over the wall clock is a fault, never a result', async () => {
    const replies = await evaluator.run([native('y', 'spin@1'), evaluate('y')])
    expect(replies[1]).toMatchObject({ kind: 'fault', code: 'evaluation-fault' })
    expect((await evaluator.run([open('a'), evaluate('a')]))[1]).toMatchObject({
      kind: 'evaluated',
    })
  })

  test('more modules than a worker keeps', async () => {
    for (let i = 0; i < 8; i++) {
      const source = `${COUNTER} // ${i % 4}`
      const replies = await evaluator.run([open(`m${i}`, source), evaluate(`m${i}`)])
      expect(kinds(replies)).toEqual(['opened', 'evaluated'])
    }
  })

  test('a full evaluator refuses the whole batch, and a closed one too', async () => {
    const many = Array.from({ length: 51 }, () => evaluate('a'))
    await expect(evaluator.run(many)).rejects.toMatchObject({ code: 'evaluator-full' })
    const other = await createWorkerEvaluator({ limits: LIMITS, workers: 1, hostUrl, levels })
    const pending = other.run([native('y', 'spin@1'), evaluate('y')])
    pending.catch(() => undefined)
    await other.close()
    await expect(pending).rejects.toMatchObject({ code: 'evaluator-closed' })
    await expect(other.run([])).rejects.toMatchObject({ code: 'evaluator-closed' })
  })

  test('a host that cannot be loaded fails the start', async () => {
    const wrong = new URL('./no-such-host.ts', import.meta.url).href
    await expect(
      createWorkerEvaluator({ limits: LIMITS, workers: 1, hostUrl: wrong, levels }),
    ).rejects.toMatchObject({ code: 'evaluation-fault' })
  })
})
