// What a published contract gives back and throws: states, results and events, messages and
// status, and the two verdicts of the SmartWeave SDKs.
import { describe, expect, test } from '@jest/globals'
import { CALLER, messagesOf, openContracts } from './open.ts'

const contracts = openContracts()

const CONTRACT = `export async function handle(state, { input, caller, interactionType }) {
  state.before = 'written'
  if (input.function === 'state') return { state }
  if (input.function === 'in place') return { result: 'seen' }
  if (input.function === 'whole') return { state: { count: (state.count ?? 0) + 1 } }
  if (input.function === 'all') return { state, result: { by: caller }, event: { kind: 'all' } }
  if (input.function === 'messages') {
    return { state, result: 7, messages: [{ target: caller, data: 'hello' }] }
  }
  if (input.function === 'status') return { state, status: 'not today' }
  if (input.function === 'only messages') return { messages: [] }
  if (input.function === 'view') return { result: { count: state.count, interactionType, state } }
  if (input.function === 'value') return { result: input.value }
  if (input.function === 'give') return input.value
  if (input.function === 'error') throw new ContractError('Not enough: ' + input.qty)
  if (input.function === 'assert') ContractAssert(input.value, 'asserted')
  if (input.function === 'own error') {
    class ContractError extends Error { constructor(m) { super(m); this.name = 'ContractError' } }
    throw new ContractError('my own')
  }
  if (input.function === 'throw') throw new RangeError('out of range')
  if (input.function === 'type error') return state.nothing.here
  if (input.function === 'text') throw 'a text'
  if (input.function === 'deep') return (function deeper() { return 1 + deeper() })()
  if (input.function === 'function') { state.f = () => 1; return { state } }
  if (input.function === 'never') return new Promise(() => undefined)
}`

function opened(): ReturnType<typeof contracts.open> {
  return contracts.open(CONTRACT, { count: 1 })
}

describe('a result of the kind', () => {
  test('state, written in place, changes what was written', () => {
    const contract = opened()
    const evaluation = contract.send({ function: 'state' })
    expect(evaluation).toMatchObject({
      ...{ status: 'ok', messages: [] },
      changes: '["o",[],[],["before",["=","written"]]]',
    })
    expect(contract.state()).toEqual({ count: 1, before: 'written' })
  })

  test('result keeps what was written in place, as with the SDKs, and is an event', () => {
    const contract = opened()
    expect(contract.send({ function: 'in place' })).toMatchObject({
      messages: [{ kind: 'event', tags: { Action: 'SmartWeave-Result' }, data: 'seen' }],
    })
    expect(contract.state()).toEqual({ count: 1, before: 'written' })
  })

  test('a whole state replaces the one before', () => {
    const contract = opened()
    contract.send({ function: 'whole' })
    expect(contract.state()).toEqual({ count: 2 })
  })

  test('state, result and event gives two events', () => {
    expect(opened().send({ function: 'all' })).toMatchObject({
      messages: [
        { kind: 'event', tags: { Action: 'SmartWeave-Result' }, data: { by: CALLER } },
        { kind: 'event', tags: { Action: 'SmartWeave-Event' }, data: { kind: 'all' } },
      ],
    })
  })

  test('state and messages sends them, before the events', () => {
    const messages = messagesOf(opened().send({ function: 'messages' }))
    expect(messages[0]).toEqual({ target: CALLER, data: 'hello' })
    expect(messages[1]).toMatchObject({ kind: 'event', data: 7 })
  })

  test('messages alone is enough', () => {
    expect(opened().send({ function: 'only messages' })).toMatchObject({ status: 'ok' })
  })

  test('status is an error with its text, and nothing is written', () => {
    const contract = opened()
    const evaluation = contract.send({ function: 'status' })
    expect(evaluation).toMatchObject({ code: 'contract-error', text: 'not today' })
    expect(contract.state()).toEqual({ count: 1 })
  })

  test.each([[null, 'null'], [false, false], [0, 0], ['', ''], [[1], [1]]])(
    'result %j is told apart from nothing',
    (value, data) => {
      const messages = messagesOf(opened().send({ function: 'value', value }))
      expect(messages).toEqual([expect.objectContaining({ kind: 'event', data })])
    },
  )

  test('messages that are no list are refused', () => {
    const evaluation = opened().send({ function: 'give', value: { messages: 'x', result: 1 } })
    expect(evaluation).toMatchObject({ code: 'result-malformed' })
  })
})

test('a view is asked for by its tag, and changes nothing whatever it writes', () => {
  const contract = opened()
  const view = { tags: { 'Interaction-Type': 'view' } }
  const state = { count: 1, before: 'written' }
  const result = { count: 1, interactionType: 'view', state }
  expect(contract.ask({ function: 'view' }, view)).toEqual(result)
  const stored = contract.send({ function: 'whole' }, view)
  expect(stored).toMatchObject({ status: 'ok', changes: '[]' })
  expect(contract.state()).toEqual({ count: 1 })
  expect(contract.ask({ function: 'view' })).toMatchObject({ interactionType: 'write' })
})

const VERDICTS: [object, string, string][] = [
  [{ function: 'error', qty: 3 }, 'contract-error', 'Not enough: 3'],
  [{ function: 'assert', value: 0 }, 'contract-error', 'asserted'],
  [{ function: 'own error' }, 'contract-error', 'my own'],
  [{ function: 'throw' }, 'contract-exception', 'RangeError: out of range'],
  [{ function: 'type error' }, 'contract-exception', 'TypeError: '],
  [{ function: 'text' }, 'contract-exception', 'a text'],
  [{ function: 'deep' }, 'stack-overflow', ''],
  [{ function: 'nothing' }, 'contract-exception', 'Unexpected result from contract: undefined'],
  [{ function: 'give', value: { event: 1 } }, 'contract-exception', 'Unexpected result'],
  [{ function: 'give', value: 5 }, 'contract-exception', 'Unexpected result from contract: 5'],
  [{ function: 'give', value: { state: 5 } }, 'state-not-json', ''],
  [{ function: 'give', value: { state: [] } }, 'state-not-json', ''],
  [{ function: 'function' }, 'state-not-json', 'function'],
  [{ function: 'never' }, 'promise-unsettled', ''],
]

test.each(VERDICTS)('%j is the error %s: %s', (input, code, text) => {
  const contract = opened()
  const evaluation = contract.send(input) as { code: string; text: string }
  expect(evaluation).toMatchObject({ status: 'error', code })
  expect(evaluation.text).toContain(text)
  expect(contract.state()).toEqual({ count: 1 })
  expect(contract.send({ function: 'state' })).toMatchObject({ status: 'ok' })
})

describe('the input', () => {
  const ECHO = 'export function handle(state, action) { return { result: action.input } }'
  const echo = contracts.open(ECHO)

  test('is the data', () => {
    expect(echo.ask({ function: 'x' })).toEqual({ function: 'x' })
  })

  test('is the tag Input before that, as the SDKs write it', () => {
    const tags = { 'App-Name': 'SmartWeaveAction', Input: '{"function":"y"}' }
    expect(echo.ask(null, { tags })).toEqual({ function: 'y' })
    expect(echo.ask({ function: 'x' }, { tags })).toEqual({ function: 'y' })
  })

  test('is the tags where there is neither, the action as its function', () => {
    const tags = { Action: 'Credit-Notice', Quantity: '5' }
    expect(echo.ask(null, { kind: 'notice', tags })).toEqual({ ...tags, function: 'Credit-Notice' })
  })

  test('of a bounce says what failed, and why', () => {
    const tags = { Action: 'Bounce', Error: 'gas-exhausted', Reference: '7' }
    const input = { code: 'gas-exhausted', text: 'out of gas' }
    const told = { ...tags, ...input, function: 'Bounce' }
    expect(echo.ask(input, { kind: 'bounce', tags })).toEqual(told)
  })

  test.each(['{', 'null', '0', ''])('that reads %j in its tag is refused', (Input) => {
    expect(echo.send(null, { tags: { Input } })).toMatchObject({ code: 'input-malformed' })
  })
})
