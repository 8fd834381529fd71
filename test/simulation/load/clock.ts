// The clock in genesis, for workloads whose processes set alarms: no wallet is its own, and its
// model judges each alarm that it sends.

import type { Violation } from '../../chaos/checker/index.ts'
import { partitionOf } from '../../../src/protocol/topics.ts'
import { CLOCK, CLOCK_MODULE, clockProcess } from '../../../src/system/index.ts'
import { clockModel } from './model/clock.ts'
import type { Ending, Workload } from './workload.ts'

/** `limits`: of the network. */
export function clockPart(limits: Parameters<typeof clockProcess>[0]): Workload {
  return {
    name: CLOCK,
    tokenNames: [],
    contracts: [],
    processes: ({ place }) => [{ ...clockProcess(limits), nonce: place(CLOCK, 0).nonce }],
    models: () => [[CLOCK_MODULE, clockModel]],
    draft: () => undefined,
    judge: noneOverdue,
  }
}

/** By the end an alarm that the time of the clock's own partition has passed has fired. */
export function noneOverdue({ network, partitions, states }: Ending): Violation[] {
  const id = network.processIds.get(CLOCK) as string
  const { entries } = partitions[partitionOf(id, network.genesis.partitions)] ?? { entries: [] }
  const now = entries.at(-1)?.timestamp ?? 0
  const { alarms } = JSON.parse(states.get(id) ?? '{}') as {
    alarms: Record<string, { owner: string; name: string; at: number }>
  }
  return Object.values(alarms)
    .filter(({ at }) => at <= now)
    .map(({ owner, name, at }) => {
      const text = `the alarm ${name} of ${owner} is due at ${at}, and at ${now} it has not fired`
      return { invariant: 'alarms-fire', id, text }
    })
}
