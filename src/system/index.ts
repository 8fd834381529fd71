// The system processes: native handlers by the name that a genesis module gives as its source.

import { handle as hbContract } from './hb-contract.ts'

/** A contract's `handle` as the native runtime takes it: the state's shape is the process's own. */
export type NativeHandle = (
  state: Record<string, unknown>,
  action: unknown,
) => { state?: unknown; messages?: unknown; status?: unknown } | undefined

export const natives: Readonly<Record<string, NativeHandle>> = {
  'hb-contract@1': hbContract as unknown as NativeHandle,
}

export { ROLES, UNBONDINGS_MAX } from './hb-contract.ts'
export type { HbState, Role, Unbonding } from './hb-contract.ts'
