// Shrinking keeps what the failure needs, takes away all else, and ends.

import { expect, test } from '@jest/globals'
import { FAULT_KINDS, NO_FAULTS } from '../broker/faults.ts'
import { planOf } from '../plan.ts'
import type { PlanChanges, SimPlan } from '../plan.ts'
import { World } from '../world/world.ts'
import { shrink } from './shrink.ts'

const ALL = ['sequencer', 'dre', 'relayer'] as const
const BUSY: PlanChanges = {
  rates: Object.assign({ ...NO_FAULTS }, ...FAULT_KINDS.map((kind) => ({ [kind]: 0.1 }))),
  events: { kill: 1, freeze: 2, power: 1 },
  eventSeconds: 3,
  nodes: [ALL, ['sequencer'], ALL, ['dre']],
  standbys: 1,
  partitions: 4,
}

async function shrunk(needs: (plan: SimPlan) => boolean): Promise<[SimPlan, string[]]> {
  const plan = planOf(1, new World(1).random('plan'), BUSY)
  const told: string[] = []
  const changes = await shrink({
    plan,
    invariant: 'it',
    tryPlan: async (tried) => new Set(needs({ ...plan, ...tried }) ? ['it', 'other'] : ['other']),
    say: (line) => void told.push(line),
  })
  return [{ ...plan, ...changes }, told]
}

test('what does not matter goes, all of it', async () => {
  const [plan, told] = await shrunk(() => true)
  expect(plan).toMatchObject({
    seconds: 2,
    messagesPerSecond: 1,
    wallets: 1,
    partitions: 1,
    nodes: [ALL],
    standbys: 0,
    rates: NO_FAULTS,
    http: { lost: 0, slow: 0 },
    eventSeconds: 0,
    events: {},
  })
  expect(told.every((line) => line.startsWith('still fails'))).toBe(true)
})

test('what matters stays', async () => {
  const needs = ({ seconds, rates, events, eventSeconds, nodes }: SimPlan): boolean =>
    seconds >= 11 &&
    rates.late > 0 &&
    events.freeze !== undefined &&
    eventSeconds > 0 &&
    nodes.length > 1
  const [plan] = await shrunk(needs)
  expect(plan.seconds).toBe(20)
  expect(plan.rates).toEqual({ ...NO_FAULTS, late: 0.1 })
  expect(plan.events).toEqual({ freeze: 2 })
  expect(plan.eventSeconds).toBe(3)
  expect(plan.nodes.length).toBe(2)
})

test('a part that could go only after another one goes in the end', async () => {
  const [plan] = await shrunk(({ rates, seconds }) => rates.twice === 0 || seconds >= 40)
  expect([plan.rates.twice, plan.seconds]).toEqual([0, 2])
})

test('another invariant is another failure', async () => {
  const [plan] = await shrunk(() => false)
  expect(plan).toEqual(planOf(1, new World(1).random('plan'), BUSY))
})

test('somebody always has each role', async () => {
  const split: PlanChanges = { nodes: [['dre', 'relayer'], ['sequencer'], ['dre'], ['relayer']] }
  const plan = planOf(1, new World(1).random('plan'), split)
  const tryPlan = async (): Promise<Set<string>> => new Set(['it'])
  const changes = await shrink({ plan, invariant: 'it', tryPlan, say: () => undefined })
  expect([...new Set(changes.nodes?.flat())].sort()).toEqual(['dre', 'relayer', 'sequencer'])
  expect(changes.nodes?.length).toBe(2)
})
