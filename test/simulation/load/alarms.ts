// Alarms: wakers in every partition have the clock wake them soon, late, in the past and again and
// again, and cancel some; wallets poke the clock with much and with little, and ask what it must
// refuse.

import { messageFields } from '../../../src/client/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { CLOCK } from '../../../src/system/index.ts'
import { WAKER, wakerModel } from './waker.ts'
import type { Draft, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const NAMES = ['tea', 'bell', 'dawn', 'noon', 'dusk']
/** How far ahead an alarm is set at most, ms: beyond it the run would not come to rest soon. */
const AHEAD_MS = 12_000
/** What a message needs to fire several alarms. */
const POKE = { hops: 40, count: 2_000 }

type Tags = Record<string, string>

export function alarms(): Workload {
  const wakers: string[] = []
  return {
    name: 'alarms',
    needsClock: true,
    tokenNames: [],
    contracts: [],
    processes: ({ partitions, place }) => {
      const { id: clock } = place(CLOCK, 0)
      return Array.from({ length: partitions }, (_, at): GenesisProcess => {
        const { id, ...placed } = place(`waker-${at}`, at)
        wakers.push(id)
        const state = { clock, heard: {}, answers: 0, bounces: 0 }
        return { ...placed, engine: 'quickjs', source: WAKER, state }
      })
    },
    models: () => [[WAKER, wakerModel]],
    draft: (turn): Draft => {
      const { random, network, generation } = turn
      const place = { network: network.id, generation }
      const clock = network.processIds.get(CLOCK) as string
      const dice = random.below(100)
      if (dice < 12) {
        const few = 1 + random.below(POKE.hops)
        const less = few % 2 === 0 ? { hops: few } : { ...POKE, hops: few }
        const carries = random.below(3) === 0 ? less : POKE
        const tags: Tags = random.below(4) === 0 ? { Reference: '1' } : {}
        return { fields: messageFields(place, { target: clock, action: 'Poke', tags, ...carries }) }
      }
      // a wallet has no alarms, but may ask; some of this is refused
      const action = oneOf(random, ['Set-Alarm', 'Set-Alarm', 'Set-Alarm', 'Cancel-Alarm', 'Info'])
      const target = dice < 18 ? clock : oneOf(random, wakers)
      const tags = { ...alarmOf(turn), ...(random.below(4) === 0 && { Reference: '7' }) }
      const much = random.below(3) === 0 ? POKE : {}
      return { fields: messageFields(place, { target, action, tags, ...much }) }
    },
  }
}

function alarmOf({ random, nowMs }: Turn): Tags {
  const Name = oneOf(random, NAMES)
  const dice = random.below(100)
  const After = String(random.below(AHEAD_MS))
  if (dice < 50) return { Name, After, 'X-Note': String(dice) }
  if (dice < 70) return { Name, At: String(nowMs + random.below(2 * AHEAD_MS) - AHEAD_MS) }
  if (dice < 90) return { Name, After, Every: String(1_000 + random.below(3_000)) }
  const wrong: readonly Tags[] = [
    { Name },
    { Name: 'x'.repeat(65), After },
    { Name, After, At: '5' },
    { Name, After: '1.5' },
    { Name, After, Every: '999' },
  ]
  return oneOf(random, wrong)
}
