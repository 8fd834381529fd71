// Bad histories of money (../funds.ts): states with other balances, and a transfer undone.

import { tokensOf } from '../funds.ts'
import { P } from '../good-history.ts'
import type { GoodHistory } from '../good-history.ts'
import type { Happening } from '../watch.ts'
import type { Plants } from './plant.ts'

type Seen = Happening & { readonly type: 'state' }

const tokenOf = ({ network }: GoodHistory): string => tokensOf(network)[P] as string

/** The newest state of the token that was seen, with other balances. */
function held(good: GoodHistory, change: (balances: Record<string, string>) => void): Seen {
  const token = tokenOf(good)
  const at = good.find((each) => each.type === 'state' && each.state.process === token)
  const seen = good.tape.happenings[at] as Seen
  const state = JSON.parse(seen.state.text) as { balances: Record<string, string> }
  change(state.balances)
  return { ...seen, state: { ...seen.state, text: JSON.stringify(state) } }
}

export const FUND_PLANTS: Plants = {
  'a balance that grew': {
    breaks: 'funds-conserved',
    tape: (good) => {
      const seen = held(good, (balances) => {
        const [one = ''] = Object.keys(balances)
        balances[one] = String(BigInt(balances[one] ?? '0') + 1n)
      })
      return good.followed(seen)
    },
  },
  'balances that changed hands without a request': {
    breaks: 'funds-conserved',
    tape: (good) => {
      const seen = held(good, (balances) => {
        const [one = '', other = ''] = Object.keys(balances)
        balances[one] = String(BigInt(balances[one] ?? '0') + 1n)
        balances[other] = String(BigInt(balances[other] ?? '0') - 1n)
      })
      return good.followed(seen)
    },
  },
  'a state of a slot that is not accepted': {
    breaks: 'funds-conserved',
    tape: (good) => {
      const seen = held(good, () => undefined)
      return good.followed({ ...seen, state: { ...seen.state, slot: 99_999 } })
    },
  },
  'a transfer that is in error though it can be made': {
    breaks: 'funds-conserved',
    tape: (good) => {
      const token = tokenOf(good)
      return good.lastRun(
        ({ results }) =>
          results.some(({ process, messages }) => process === token && messages.length > 1),
        (result) => ({ ...result, status: 'error' }),
      )
    },
  },
}
