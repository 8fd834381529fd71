// What keeps a partition's feature level: native and trusted, one process per partition.
//
// Invariants: F1 only an operator changes anything. F2 a level is raised by one at a time, so that
// a slip of the pen cannot name one that no build has. F3 what is pending holds from the end of the
// interval in which it was asked for, and can be cancelled until then. F4 there is always an
// operator.

import { OPERATORS_MAX } from '../protocol/features.ts'
import type { FeaturesState } from '../protocol/features.ts'
import { intervalOf } from '../protocol/interval.ts'
import { contract, parseAddress, refuse, reply, tag } from '../lib/index.ts'
import type { Action, Outgoing } from '../lib/index.ts'

/** Answers Upgrade, Cancel-Upgrade, Add-Operator, Remove-Operator and Info. */
export const handle = contract<FeaturesState>({
  actions: {
    Upgrade: upgrade,
    'Cancel-Upgrade': cancelUpgrade,
    'Add-Operator': addOperator,
    'Remove-Operator': removeOperator,
    Info: info,
  },
})

/** Upgrade {Level}: one above the level that holds. */
function upgrade(state: FeaturesState, action: Action): Outgoing[] {
  checkOperator(state, action)
  passInterval(state, action)
  const next = state.level + 1
  if (tag(action, 'Level') !== String(next)) {
    refuse('level-not-next', `Level must be ${next}: the level that holds is ${state.level}`)
  }
  state.pending ??= { level: next, height: action.height }
  return [answer(state, action, 'Upgrade-Reply')]
}

function cancelUpgrade(state: FeaturesState, action: Action): Outgoing[] {
  checkOperator(state, action)
  passInterval(state, action)
  state.pending = null
  return [answer(state, action, 'Cancel-Upgrade-Reply')]
}

/** Add-Operator {Address} */
function addOperator(state: FeaturesState, action: Action): Outgoing[] {
  checkOperator(state, action)
  const address = parseAddress(tag(action, 'Address'), 'Address')
  if (!state.operators.includes(address)) {
    if (state.operators.length >= OPERATORS_MAX) {
      refuse('operators-full', `there are ${OPERATORS_MAX}; remove one first`)
    }
    state.operators.push(address)
  }
  return [reply(action, 'Add-Operator-Reply', { Operators: state.operators.join(',') })]
}

/** Remove-Operator {Address} */
function removeOperator(state: FeaturesState, action: Action): Outgoing[] {
  checkOperator(state, action)
  const address = parseAddress(tag(action, 'Address'), 'Address')
  const others = state.operators.filter((each) => each !== address)
  if (others.length === 0) refuse('operator-last', 'add another operator first')
  state.operators = others
  return [reply(action, 'Remove-Operator-Reply', { Operators: others.join(',') })]
}

function info(state: FeaturesState, action: Action): Outgoing[] {
  passInterval(state, action)
  return [answer(state, action, 'Info-Reply')]
}

function answer(state: FeaturesState, action: Action, name: string): Outgoing {
  const { level, pending, intervalLength } = state
  const tags: Record<string, string> = { Level: String(level) }
  if (pending !== null) {
    tags['Pending-Level'] = String(pending.level)
    tags['From-Height'] = String((intervalOf(pending.height, intervalLength) + 1) * intervalLength)
  }
  return reply(action, name, tags)
}

function checkOperator(state: FeaturesState, action: Action): void {
  if (state.operators.includes(action.caller)) return
  refuse('not-operator', `${action.caller} is no operator of this network`)
}

/** What was pending at the end of an interval holds since then. */
function passInterval(state: FeaturesState, action: Action): void {
  const { pending, intervalLength } = state
  if (pending === null) return
  if (intervalOf(action.height, intervalLength) === intervalOf(pending.height, intervalLength)) {
    return
  }
  state.level = pending.level
  state.pending = null
}
