// Fan-out: askers put one question to several at once, of whom some answer, some twice, late or
// never, some fail, and one is not there; each question has a deadline, and a unit that is held for
// it a deadline of its own.

import { messageFields } from '../../../src/client/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { ANSWERER, answererModel, CONDUCTS } from './answerer.ts'
import type { AnswererConduct } from './answerer.ts'
import { questionsEnd } from './questions.ts'
import type { Draft, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const ASKER = 'test/simulation/load/contracts/asker.ts'
const TARGETS_MAX = 4
const DEADLINES_MS = [200, 1_000, 3_000, 6_000]
/** What each asker has to pay with. */
const BANK = 10_000
/** So much that the crank may spend some of it on deadlines (SPARE_COUNT_MIN). */
const CARRIES = { hops: 24, count: 2_000 }

export function fanOut(): Workload {
  const askers: string[] = []
  const answerers = new Map<string, AnswererConduct>()
  const targets: string[] = []
  return {
    name: 'fan-out',
    needsClock: true,
    tokenNames: [],
    contracts: [ASKER],
    processes: ({ partitions, place, source }) => {
      const engine = 'quickjs' as const
      targets.push(place('nobody', partitions - 1).id)
      const all = CONDUCTS.map((conduct, at): GenesisProcess => {
        const { id, ...placed } = place(`answerer-${conduct}`, (at + 1) % partitions)
        answerers.set(id, conduct)
        targets.push(id)
        return { ...placed, engine, source: ANSWERER, state: { conduct, self: id, asked: 0 } }
      })
      for (const at of [0, 1]) {
        const { id, ...placed } = place(`asker-${at}`, at)
        askers.push(id)
        const state = { asked: 0, ended: 0, purse: { bank: String(BANK) } }
        all.push({ ...placed, engine, source: source(ASKER), state })
      }
      return all
    },
    models: () => [[ANSWERER, answererModel]],
    draft: ({ random, network, generation }): Draft | undefined => {
      const place = { network: network.id, generation }
      const dice = random.below(100)
      // each question is a dozen entries: they are to be a part of the load, not all of it
      if (dice < 40) return undefined
      const target = oneOf(random, askers)
      if (dice < 50) {
        // a deadline is not for others to tell
        const tags = { 'X-Deadline': String(random.below(60)) }
        const action = 'Deadline'
        return { fields: messageFields(place, { target, action, tags, ...CARRIES }) }
      }
      const data = {
        kind: oneOf(random, ['all', 'any']),
        deadlineMs: oneOf(random, DEADLINES_MS),
        holdMs: oneOf(random, DEADLINES_MS),
        targets: Array.from({ length: 1 + random.below(TARGETS_MAX) }, () => {
          return oneOf(random, targets)
        }),
      }
      return { fields: messageFields(place, { target, action: 'Ask', data, ...CARRIES }) }
    },
    judge: (ending) => questionsEnd(ending, { askers: new Set(askers), answerers, bank: BANK }),
  }
}
