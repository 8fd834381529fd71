// The system processes: native handlers by the name that a genesis module gives as its source, for
// each feature level.

export { FEATURE_LEVELS } from './levels.ts'
export { ROLES, UNBONDINGS_MAX } from './hb-contract.ts'
export type { HbState, Role, Unbonding } from './hb-contract.ts'
export { CLOCK, CLOCK_MODULE, clockLimits, clockProcess } from './clock-process.ts'
export type { ClockLimits } from './clock-process.ts'
