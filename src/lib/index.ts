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
export { contract, on, onJson } from './contract.ts'
export type { Contract, Crank, Handler } from './contract.ts'
export {
  ENTRIES_MAX,
  TEXT_LENGTH_MAX,
  address,
  amount,
  boolean,
  byAddress,
  completeState,
  integer,
  list,
  object,
  oneOf,
  optional,
  positive,
  text,
  withDefault,
} from './schemas.ts'
export type { Parsed, Schema, Schemas } from './schemas.ts'
export { DEADLINE_MS_DEFAULT, DEADLINE_MS_MAX, REQUESTS_MAX, newQueue } from './queue.ts'
export type { Answer, RequestQueue, Task } from './queue.ts'
export { PARTS_MAX, all, any, cancel, later, request } from './requests.ts'
export type { Question, Resumption } from './requests.ts'
export { ANSWER_LENGTH_MAX, crank } from './crank.ts'
export type { CrankSpec, Ended, Outcome, Step, Steps } from './crank.ts'
export {
  ALLOWED_MAX,
  allow,
  disallow,
  newAllowList,
  ownId,
  requireAllowed,
  requireSigner,
  systemId,
} from './facts.ts'
export type { AllowList } from './facts.ts'
export { ownership, requireOwner, upgrade, upgradable } from './ownership.ts'
export type { Owned, Upgradable } from './ownership.ts'
export { STAKES_MAX, newStakes, requireStake, stakeRefusal } from './stakes.ts'
export type { StakeQuestion, Stakes } from './stakes.ts'
export { commit, payOut, refund, refundStep, reserve, returnedPayment } from './escrow.ts'
export type { Hold, ReturnedPayment } from './escrow.ts'
export { SALT_LENGTH_MAX, childId } from './child-id.ts'
export { moveKeyAt, pushKey, removeKeyAt } from './heap.ts'
export type { Heap } from './heap.ts'
