// The system processes: native handlers by the name that a genesis module gives as its source.

import type { Action } from '../lib/index.ts'
import { handle as hbContract } from './hb-contract.ts'

/** The same signature as a contract's `handle`; the state is a JSON object of the process's own shape. */
export type NativeHandle = (state: never, action: Action) => unknown

export const natives: Readonly<Record<string, NativeHandle>> = {
  'hb-contract@1': hbContract,
}

export { ROLES, UNBONDINGS_MAX } from './hb-contract.ts'
export type { HbState, Role, Unbonding } from './hb-contract.ts'
