// Upgrades by the model on short logs written out by hand: a module that holds from its upgrade on
// passes; one that holds too early, too late, for somebody else or without its state is told.

import { expect, test } from '@jest/globals'
import { idOf } from '../protocol/fixtures.ts'
import { EVOLVER, EVOLVER_MODELS, EVOLVERS, evolverState } from './load/evolver.ts'
import { judgeModels } from './load/model/judge.ts'
import { PlantedLog } from './load/model/planted-log.ts'
import { moduleHash } from './load/model/replay.ts'

const [SELF, ANNA] = [idOf('evolver'), idOf('Anna')]
const [, , THIRD = '', , THROWS = ''] = EVOLVERS
const UPGRADE = { 'HB-Upgrade': 'Module' }

function told(log: PlantedLog): string {
  const makers = new Map(EVOLVER_MODELS)
  return judgeModels(log.ending, makers).map(({ invariant, text }) => `${invariant}: ${text}`).join()
}

type Came = { readonly code?: string; readonly text?: string; readonly caller?: string }

/** An evolver of version 1 sends itself a module; then comes work, and `worked` is what it left. */
function history(to: object, { code, text, caller = SELF }: Came, state: object): PlantedLog {
  const log = new PlantedLog()
  log.spawn('evolver', EVOLVER, evolverState(ANNA))
  const from = { from: 'process', data: JSON.stringify(to) } as const
  const bounce = { Action: 'Bounce', Error: code ?? '', 'Message-Id': idOf('message 1') }
  const tags = Object.entries(bounce).map(([name, value]) => ({ name, value }))
  const sent = [{ kind: 'bounce', target: caller, tags, hops: 9, count: 99 } as const]
  const failed = code === undefined ? {} : { code, sent, ...(text !== undefined && { text }) }
  log.put(SELF, caller, UPGRADE, from, failed)
  log.put(SELF, ANNA, { Action: 'Work' })
  log.state(SELF, { ...evolverState(ANNA), self: SELF, ...state })
  return log
}

const FIRST = { worked: { 1: 1 } }
const MIGRATED = { version: 3, migrated: 1, worked: { 3: 1 } }

test('a module that is sent to itself holds from there on', () => {
  expect(told(history({ source: THIRD }, {}, MIGRATED))).toBe('')
  // its own module is known: its spawn carried it
  expect(told(history({ module: moduleHash(EVOLVER) }, {}, FIRST))).toBe('')
})

test('one that fails, is not known, or comes from somebody else leaves all as it was', () => {
  const thrown = { code: 'contract-error', text: 'not from version 0' }
  expect(told(history({ source: THROWS }, thrown, FIRST))).toBe('')
  const unknown = { code: 'module-unknown' }
  expect(told(history({ module: moduleHash(THIRD) }, unknown, FIRST))).toBe('')
  const foreign = { code: 'upgrade-foreign', caller: idOf('other') }
  expect(told(history({ source: THIRD }, foreign, FIRST))).toBe('')
})

test.each([
  ['does not take its state with it', { source: THIRD }, {}, { ...MIGRATED, version: 1 }],
  ['does not hold', { source: THIRD }, {}, FIRST],
  ['holds though its migration failed', { source: THROWS }, {}, { ...MIGRATED, version: 5 }],
  ['holds though nobody knows it', { module: moduleHash(THIRD) }, {}, MIGRATED],
  ['holds from another process', { source: THIRD }, { caller: idOf('other') }, MIGRATED],
  ['is refused without a reason', { source: THIRD }, { code: 'module-unknown' }, FIRST],
])('a module that %s is told', (_, to, came, state) => {
  expect(told(history(to, came, state))).toMatch(/outcomes-modelled|states-modelled/)
})
