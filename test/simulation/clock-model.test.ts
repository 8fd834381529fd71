// The clock's model on short logs written out by hand: an alarm that fires once and at its time
// passes; one that is lost, doubled, early, or still there when the log is past it is told.

import { expect, test } from '@jest/globals'
import { partitionOf } from '../../src/protocol/topics.ts'
import { CLOCK, CLOCK_MODULE } from '../../src/system/index.ts'
import { idOf } from '../protocol/fixtures.ts'
import { noneOverdue } from './load/clock.ts'
import { clockModel } from './load/model/clock.ts'
import { judgeModels } from './load/model/judge.ts'
import { PlantedLog } from './load/model/planted-log.ts'

type Sent = NonNullable<NonNullable<Parameters<PlantedLog['put']>[4]>['sent']>[number]

const OWNER = idOf('owner')
const LIMITS = { firedMax: 4, alarmHops: 32, alarmCount: 256, tagBytesMax: 512 }
const MAKERS = new Map([[CLOCK_MODULE, clockModel]])
const ALARM = { owner: OWNER, name: 'tea', every: 0, tags: {}, place: 0 }
/** When it is set, and when it is due, ms. */
const [SET_AT, DUE] = [2_000, 5_000]

function tagList(tags: Record<string, string>): Sent['tags'] {
  return Object.entries(tags).map(([name, value]) => ({ name, value }))
}

function next(at?: number): Sent {
  const tags = { Action: 'Next-Alarm', ...(at !== undefined && { At: String(at) }) }
  return { kind: 'event', target: '', tags: tagList(tags), hops: 0, count: 0 }
}

function alarm(at: number): Sent {
  const tags = tagList({ Action: 'Alarm', Name: 'tea', At: String(at) })
  return { kind: 'notice', target: OWNER, tags, hops: 32, count: 256 }
}

/** The owner sets an alarm; then come pokes, each with what it fired. */
function history(pokes: readonly (readonly [timestamp: number, ...sent: Sent[]])[]): PlantedLog {
  const log = new PlantedLog()
  const clock = log.spawn('clock', CLOCK_MODULE, { limits: LIMITS })
  Object.assign(log.results[0] as object, { messages: [next()] })
  log.timestamp = SET_AT
  const tags = { Action: 'Set-Alarm', Name: 'tea', After: String(DUE - SET_AT) }
  log.put(clock, OWNER, tags, { from: 'process' }, { sent: [next(DUE)] })
  for (const [timestamp, ...sent] of pokes) {
    log.timestamp = timestamp
    const carries = { hops: 40, count: 2_000 }
    log.put(clock, idOf('anybody'), { Action: 'Poke' }, carries, { sent })
  }
  log.state(clock, { alarms: {} })
  return log
}

function told(log: PlantedLog): string[] {
  return judgeModels(log.ending, MAKERS).map(({ invariant, text }) => `${invariant}: ${text}`)
}

test('an alarm that fires once, at the first entry at or after its time, passes', () => {
  const atOnce = [[4_999, next(DUE)], [DUE, alarm(DUE), next()], [9_000, next()]] as const
  expect(told(history(atOnce))).toEqual([])
  expect(told(history([[9_000, alarm(DUE), next()]]))).toEqual([])
})

test.each([
  ['lost', [[9_000, next()]]],
  ['early', [[4_999, alarm(DUE), next()]]],
  ['doubled', [[DUE, alarm(DUE), next()], [6_000, alarm(DUE), next()]]],
  ['twice at once', [[DUE, alarm(DUE), alarm(DUE), next()]]],
  ['of another time', [[DUE, alarm(DUE + 1), next()]]],
  ['left as the next one', [[DUE, alarm(DUE), next(DUE)]]],
] as const)('an alarm that is %s is told', (_, pokes) => {
  expect(told(history(pokes)).join()).toContain('outcomes-modelled: ')
})

test('what the clock holds is compared', () => {
  const log = history([[4_999, next(DUE)]])
  expect(told(log).join()).toContain('states-modelled: holds []')
  log.state(idOf('clock'), { alarms: { 0: { ...ALARM, at: DUE } } })
  expect(told(log)).toEqual([])
})

test('an alarm that the log is past at the end is told', () => {
  const log = history([])
  const { ending } = log
  const id = idOf('clock')
  const network = { ...ending.network, processIds: new Map([[CLOCK, id]]) }
  expect(partitionOf(id, network.genesis.partitions)).toBe(0)
  const told = (at: number): string[] => {
    log.state(id, { alarms: { 0: { ...ALARM, at } } })
    return noneOverdue({ ...ending, network }).map(({ invariant }) => invariant)
  }
  expect(told(SET_AT + 1)).toEqual([])
  expect(told(SET_AT)).toEqual(['alarms-fire'])
})
