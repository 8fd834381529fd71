// What keeps a partition's feature level, as its messages see it.

import { expect, test } from '@jest/globals'
import { OPERATORS_MAX } from '../../src/protocol/features.ts'
import type { FeaturesState } from '../../src/protocol/features.ts'
import { handle } from '../../src/system/features.ts'
import { idOf } from '../contracts/network.ts'

const OPERATOR = idOf('operator')
const OTHER = idOf('other')
const LENGTH = 10

function begun(level = 1) {
  const state: FeaturesState = { operators: [OPERATOR], intervalLength: LENGTH, level, pending: null }
  return { state }
}

type Ask = { caller?: string; height?: number; tags?: Record<string, string> }

/** What it answers: the reply's tags. */
function ask(state: FeaturesState, name: string, ask: Ask = {}): Record<string, string> {
  const { caller = OPERATOR, height = 0, tags = {} } = ask
  const action = { kind: 'message', caller, height, tags: { Action: name, ...tags } }
  const { messages = [] } = handle(state, action as never) ?? {}
  return (messages[0]?.tags ?? {}) as Record<string, string>
}

test('an operator raises the level by one, from the next interval on', () => {
  const { state } = begun()
  const reply = ask(state, 'Upgrade', { height: 13, tags: { Level: '2' } })
  expect(reply).toMatchObject({ Level: '1', 'Pending-Level': '2', 'From-Height': '20' })
  expect(state).toMatchObject({ level: 1, pending: { level: 2, height: 13 } })
  expect(ask(state, 'Info', { caller: OTHER, height: 19 })).toMatchObject({ 'Pending-Level': '2' })
  expect(ask(state, 'Info', { caller: OTHER, height: 20 })).toEqual({
    Action: 'Info-Reply',
    Level: '2',
  })
  expect(state).toMatchObject({ level: 2, pending: null })
})

test('asked for again it stays what it was; cancelled before the end it never was', () => {
  const { state } = begun(4)
  ask(state, 'Upgrade', { height: 1, tags: { Level: '5' } })
  const again = ask(state, 'Upgrade', { height: 2, tags: { Level: '5' } })
  expect(again).toMatchObject({ 'From-Height': '10' })
  expect(ask(state, 'Cancel-Upgrade', { height: 9 })).toEqual({
    Action: 'Cancel-Upgrade-Reply',
    Level: '4',
  })
  expect(ask(state, 'Info', { height: 30 })).toMatchObject({ Level: '4' })
})

test('what held from an interval on cannot be cancelled after it', () => {
  const { state } = begun()
  ask(state, 'Upgrade', { height: 9, tags: { Level: '2' } })
  expect(ask(state, 'Cancel-Upgrade', { height: 10 })).toMatchObject({ Level: '2' })
})

test.each(['1', '3', '0', '-1', '02', 'two', ''])('level %j is not the next of 1', (Level) => {
  const { state } = begun()
  expect(() => ask(state, 'Upgrade', { tags: { Level } })).toThrow('level-not-next')
  expect(() => ask(state, 'Upgrade')).toThrow('level-not-next')
  expect(state.pending).toBeNull()
})

test('nobody but an operator changes anything', () => {
  const { state } = begun()
  const before = structuredClone(state)
  const tags = { Level: '2', Address: OTHER }
  for (const name of ['Upgrade', 'Cancel-Upgrade', 'Add-Operator', 'Remove-Operator']) {
    expect(() => ask(state, name, { caller: OTHER, tags })).toThrow('not-operator')
  }
  expect(state).toEqual(before)
})

test('operators add and remove one another, and one is left', () => {
  const { state } = begun()
  expect(() => ask(state, 'Remove-Operator', { tags: { Address: OPERATOR } })).toThrow('operator-last')
  ask(state, 'Add-Operator', { tags: { Address: OTHER } })
  ask(state, 'Add-Operator', { tags: { Address: OTHER } })
  expect(state.operators).toEqual([OPERATOR, OTHER])
  expect(() => ask(state, 'Add-Operator', { tags: { Address: 'me' } })).toThrow('address-malformed')
  ask(state, 'Remove-Operator', { caller: OTHER, tags: { Address: OPERATOR } })
  expect(state.operators).toEqual([OTHER])
  for (let n = 1; n < OPERATORS_MAX; n++) {
    ask(state, 'Add-Operator', { caller: OTHER, tags: { Address: idOf(`o${n}`) } })
  }
  const more = { caller: OTHER, tags: { Address: idOf('more') } }
  expect(() => ask(state, 'Add-Operator', more)).toThrow('operators-full')
})
