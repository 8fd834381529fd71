// HB lib: what the author of a contract imports. It is bundled into each contract, so it is small,
// pure and depends on nothing: no clock, no randomness, no I/O, nothing of the host.

export type { Action, Fields, Handle, Handled, Outgoing } from './types.ts'
export { refuse } from './refusal.ts'
export type { Refusal } from './refusal.ts'
export {
  AMOUNT_MAX,
  add,
  compare,
  floorDivide,
  isAmount,
  multiply,
  parseAmount,
  parsePositive,
  subtract,
} from './amounts.ts'
export type { Amount } from './amounts.ts'
export { balanceOf, credit, debit, isAddress, parseAddress } from './balances.ts'
export type { Balances } from './balances.ts'
export {
  event,
  forwardedTags,
  notice,
  referenceOf,
  reply,
  send,
  tag,
  transfer,
} from './messages.ts'
export type { Tags } from './messages.ts'
export { REQUESTS_MAX, expire, newQueue, request, resume } from './crank.ts'
export type { Outcome, Request, RequestQueue, Step, Steps, Task } from './crank.ts'
export { route } from './router.ts'
export type { Handler, Routes } from './router.ts'
