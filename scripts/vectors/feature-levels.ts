// Vectors of the process that keeps a partition's feature level, evaluated as a node does it.

import type { FeaturesState } from '../../src/protocol/features.ts'
import { FEATURES_MODULE, OPERATORS_MAX } from '../../src/protocol/features.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { createNativeRuntime } from '../../src/runtime/native/runtime.ts'
import { FEATURE_LEVELS } from '../../src/system/index.ts'
import { idOf } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { subject } from './subject.ts'

type Input = { readonly state: string; readonly action: string }

const OPERATOR = idOf('operator')
const OTHER = idOf('other')

function asked(
  tags: Readonly<Record<string, string>>,
  height = 13,
  state: Partial<FeaturesState> = {},
  caller = OPERATOR,
): Input {
  const whole = { operators: [OPERATOR], intervalLength: 10, level: 1, pending: null, ...state }
  const action = {
    kind: 'message',
    caller,
    from: 'wallet',
    id: idOf('message'),
    height,
    slot: 1,
    timestamp: 1_000,
    tags,
    data: '',
    dataEncoding: 'utf8',
    hops: 5,
    count: 100,
    budget: '0',
    input: null,
  }
  return { state: JSON.stringify(whole), action: JSON.stringify(action) }
}

const pending = { pending: { level: 2, height: 13 } }
const upgrade = (Level: string): Record<string, string> => ({ Action: 'Upgrade', Level })
const cancel = { Action: 'Cancel-Upgrade' }
const info = { Action: 'Info' }
const add = (Address: string): Record<string, string> => ({ Action: 'Add-Operator', Address })
const remove = (Address: string): Record<string, string> => ({ Action: 'Remove-Operator', Address })
const two = { operators: [OPERATOR, OTHER] }
const others = Array.from({ length: OPERATORS_MAX - 1 }, (_, n) => idOf(`operator ${n}`))
const full = { operators: [OPERATOR, ...others] }
const spawned = JSON.parse(asked({ Name: 'features-0' }).action) as object
const spawn = JSON.stringify({ ...spawned, kind: 'spawn', from: 'genesis', slot: 0 })

const INPUTS: readonly Named<Input>[] = [
  ['its spawn', { ...asked({}), action: spawn }],
  ['one level up', asked(upgrade('2'))],
  ['one level up, with a reference', asked({ ...upgrade('2'), Reference: 'r' })],
  ['in an interval\'s first entry', asked(upgrade('2'), 10)],
  ['in an interval\'s last entry', asked(upgrade('2'), 19)],
  ['again within the interval: as it was', asked(upgrade('2'), 15, pending)],
  ['in the next interval what was pending holds', asked(upgrade('3'), 20, pending)],
  ['and is not the next one any more', asked(upgrade('2'), 20, pending)],
  ['two levels up', asked(upgrade('3'))],
  ['the level that holds', asked(upgrade('1'))],
  ['a level that is not canonical', asked(upgrade('02'))],
  ['no level', asked({ Action: 'Upgrade' })],
  ['cancelled', asked(cancel, 19, pending)],
  ['cancelled too late', asked(cancel, 20, pending)],
  ['nothing to cancel', asked(cancel)],
  ['asked by anyone', asked(info, 13, {}, OTHER)],
  ['asked while it is pending', asked(info, 19, pending, OTHER)],
  ['asked once it holds', asked(info, 20, pending, OTHER)],
  ['asked many intervals later', asked(info, 9_007_199_254_740_991, pending, OTHER)],
  ['an operator more', asked(add(OTHER))],
  ['an operator again', asked(add(OPERATOR))],
  ['an operator that is no address', asked(add('me'))],
  ['an operator too many', asked(add(OTHER), 13, full)],
  ['an operator goes', asked(remove(OTHER), 13, two)],
  ['one that is none goes', asked(remove(OTHER))],
  ['the last one stays', asked(remove(OPERATOR))],
  ['who is asked does not move what is pending', asked(add(OTHER), 20, pending)],
  ['not by others: Upgrade', asked(upgrade('2'), 13, {}, OTHER)],
  ['not by others: Cancel-Upgrade', asked(cancel, 13, pending, OTHER)],
  ['not by others: Add-Operator', asked(add(OTHER), 13, {}, OTHER)],
  ['not by others: Remove-Operator', asked(remove(OPERATOR), 13, two, idOf('third'))],
  ['an action that is none', asked({ Action: 'upgrade' })],
  ['no action', asked({})],
]

const LEVEL_1 = 1

const FEATURE_LEVEL = subject<Input>({
  subject: 'feature-levels',
  about:
    'The native process hb-features@1, which keeps a partition\'s feature level. State: ' +
    'operators, intervalLength, level, pending (null, or {level, height}: it holds from the ' +
    'end of the interval of that height, which Upgrade, Cancel-Upgrade and Info write down ' +
    'when they see a later one). Upgrade {Level: one above}, Cancel-Upgrade, Add-Operator ' +
    'and Remove-Operator {Address} are an operator\'s; Info is anyone\'s. Each is answered ' +
    'by a notice with the request\'s Reference. Input: state, action (JSON texts). Output: ' +
    'gas, changes (text, file changes), state afterwards (text), messages (as the contract ' +
    'returns them, before file outbox); or gas, {error: code, text}, and the state, which is ' +
    'as it was.',
  inputs: INPUTS,
  compute: ({ state, action }) => {
    const level = FEATURE_LEVELS.find((each) => each.level === LEVEL_1)
    const runtime = createNativeRuntime(level?.natives ?? {})
    const module = { engine: 'native', hash: '', source: FEATURES_MODULE } as const
    const instance = runtime.open(module, state, defaultLimits())
    const { gas, ...evaluation } = instance.evaluate(action)
    const after = instance.snapshot()
    instance.close()
    runtime.close()
    if (evaluation.status === 'error') {
      return { gas, error: evaluation.code, text: evaluation.text, state: after }
    }
    const { changes, messages } = evaluation
    return { gas, changes, state: after, messages: JSON.stringify(messages) }
  },
})

export const FEATURE_SUBJECTS: readonly Subject[] = [FEATURE_LEVEL]
