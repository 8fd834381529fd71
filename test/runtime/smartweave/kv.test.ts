// SmartWeave.kv: a store in the process's state, so hashed and taken back with it.
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { messagesOf, openContracts } from './open.ts'

const contracts = openContracts()

const CONTRACT = `export async function handle(state, { input }) {
  const { kv } = SmartWeave
  const told = []
  for (const [name, ...args] of input.steps) {
    const value = await kv[name](...args)
    told.push(value instanceof Map ? [...value] : value ?? null)
  }
  if (input.fail) throw new ContractError('failed')
  if (input.mutate) (await kv.get('object')).inner.x = 'changed'
  if (input.whole) return { state: { whole: input.whole }, result: told }
  return { state, result: told }
}`

type Step = readonly [string, ...unknown[]]

function told(contract: ReturnType<typeof contracts.open>, steps: readonly Step[]): unknown {
  return contract.ask({ steps })
}

test('puts, gets, deletes', () => {
  const contract = contracts.open(CONTRACT)
  const steps: Step[] = [['get', 'a'], ['put', 'a', 1], ['get', 'a'], ['del', 'a'], ['get', 'a']]
  expect(told(contract, steps)).toEqual([null, null, 1, null, null])
  told(contract, [['put', 'b', { x: [1] }], ['put', 'c', null], ['put', 'd', 0]])
  expect(told(contract, [['get', 'b'], ['get', 'c'], ['get', 'd']])).toEqual([{ x: [1] }, null, 0])
  expect(contract.state()).toEqual({ $smartweave: { kv: { b: { x: [1] }, d: 0 } } })
})

test('an error takes it back', () => {
  const contract = contracts.open(CONTRACT)
  told(contract, [['put', 'a', 1]])
  const steps = [['put', 'a', 2], ['del', 'b'], ['put', 'c', 3]]
  expect(contract.send({ steps, fail: true })).toMatchObject({ code: 'contract-error' })
  expect(told(contract, [['kvMap']])).toEqual([[['a', 1]]])
})

test('what was got is a copy', () => {
  const contract = contracts.open(CONTRACT)
  contract.send({ steps: [['put', 'object', { inner: { x: 1 } }]] })
  contract.send({ steps: [], mutate: true })
  expect(told(contract, [['get', 'object']])).toEqual([{ inner: { x: 1 } }])
})

test('a whole state that the contract returns keeps it', () => {
  const contract = contracts.open(CONTRACT, { old: true })
  contract.send({ steps: [['put', 'a', 1]], whole: 'one' })
  contract.send({ steps: [['put', 'b', 2]], whole: 'two' })
  expect(contract.state()).toEqual({ whole: 'two', $smartweave: { kv: { a: 1, b: 2 } } })
})

test('ranges', () => {
  const contract = contracts.open(CONTRACT)
  told(contract, ['b.2', 'a', 'c', 'b.1', 'b'].map((key, at): Step => ['put', key, at]))
  const range = { gte: 'b', lt: 'c' }
  expect(
    told(contract, [
      ['keys'],
      ['keys', range],
      ['keys', { ...range, reverse: true }],
      ['keys', { ...range, limit: 2 }],
      ['keys', { gte: '', lt: '', limit: 0 }],
      ['kvMap', { gte: 'b.', lt: 'b.\u00ff' }],
    ]),
  ).toEqual([
    ['a', 'b', 'b.1', 'b.2', 'c'],
    ['b', 'b.1', 'b.2'],
    ['b.2', 'b.1', 'b'],
    ['b', 'b.1'],
    ['a', 'b', 'b.1', 'b.2', 'c'],
    [
      ['b.1', 3],
      ['b.2', 0],
    ],
  ])
})

test.each(['a!b', '__proto__', 5, null])('the key %j is refused', (key) => {
  const contract = contracts.open(CONTRACT)
  expect(contract.send({ steps: [['put', key, 1]] })).toMatchObject({ code: 'contract-exception' })
})

test('it is a map, whatever is done, and whenever the process is opened again', () => {
  const key = fc.constantFrom('a', 'b', 'constructor', '1', 'toString', 'é')
  const step = fc.oneof(
    fc.tuple(fc.constant('put'), key, fc.jsonValue({ maxDepth: 2 })),
    fc.tuple(fc.constant('del'), key),
    fc.tuple(fc.constant('get'), key),
  )
  const message = fc.record({ steps: fc.array(step, { maxLength: 6 }), fail: fc.boolean() })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
      let model = new Map<string, unknown>()
      let contract = contracts.open(CONTRACT)
      for (const [at, { steps, fail }] of messages.entries()) {
        const next = new Map(model)
        const expected = steps.map((each) => applied(next, each as unknown as Step))
        const evaluation = contract.send({ steps, fail })
        if (fail) expect(evaluation).toMatchObject({ code: 'contract-error' })
        else {
          const [event] = messagesOf(evaluation)
          expect(event).toMatchObject({ data: expected })
          model = next
        }
        if (at % 3 === 2) contract = contracts.open(CONTRACT, contract.state())
      }
      expect(told(contract, [['kvMap']])).toEqual([
        [...model].sort(([a], [b]) => (a < b ? -1 : 1)),
      ])
    }),
    { numRuns: 60 },
  )
})

function applied(map: Map<string, unknown>, [name, key, value]: Step): unknown {
  if (name === 'get') return map.get(key as string) ?? null
  // JSON has no −0.
  const stored = JSON.parse(JSON.stringify(value ?? null)) as unknown
  if (name === 'put' && stored !== null) map.set(key as string, stored)
  else map.delete(key as string)
  return null
}
