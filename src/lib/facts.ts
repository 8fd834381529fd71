// Facts of the message being handled, and rules about who may send it.
// Owners: pure functions of state and message. Invariant: nothing here believes a tag: who sent a
// message is what the network says (`caller`, `from`), and only a spawn's own input, which the
// network makes, tells of the process itself.

import { parseAddress } from './balances.ts'
import { refuse } from './refusal.ts'
import type { Action, Fields } from './types.ts'

/** Accounts of one allow-list; `allow-list-full`. */
export const ALLOWED_MAX = 10_000

/** The wallet that signed this very message; `signer-missing` where a process sent it. */
export function requireSigner(message: Action): string {
  if (message.from === 'wallet') return message.caller
  return refuse('signer-missing', 'a wallet must send this itself, not a process')
}

/** The id of the process that a spawn makes: of one named by a salt, its input tells it. */
export function ownId(spawn: Action): string {
  const id = spawnFields(spawn)['process']
  return typeof id === 'string' ? id : spawn.id
}

/** The id of a process of genesis by its name, as the spawn's input tells it. */
export function systemId(spawn: Action, name: string): string | undefined {
  const { system } = spawnFields(spawn)
  const listed = typeof system === 'object' && system !== null && Object.hasOwn(system, name)
  if (!listed) return undefined
  const id = (system as Fields<unknown>)[name]
  return typeof id === 'string' ? id : undefined
}

/** In the contract's state: accounts that may do something. */
export type AllowList = { count: number; members: Fields<true> }

export function newAllowList(accounts: readonly string[] = []): AllowList {
  const list: AllowList = { count: 0, members: {} }
  for (const account of accounts) allow(list, account)
  return list
}

/** `address-malformed`, `allow-list-full`. */
export function allow(list: AllowList, account: string): void {
  parseAddress(account, 'Account')
  if (Object.hasOwn(list.members, account)) return
  if (list.count >= ALLOWED_MAX) refuse('allow-list-full', `${ALLOWED_MAX} accounts are listed`)
  list.members[account] = true
  list.count += 1
}

export function disallow(list: AllowList, account: string): void {
  if (!Object.hasOwn(list.members, account)) return
  delete list.members[account]
  list.count -= 1
}

/** `caller-not-allowed` where the caller is not listed. */
export function requireAllowed(list: AllowList, { caller }: Action): void {
  if (!Object.hasOwn(list.members, caller)) refuse('caller-not-allowed', `${caller} is not listed`)
}

function spawnFields({ kind, input }: Action): Fields<unknown> {
  const told = kind === 'spawn' && typeof input === 'object' && input !== null
  return told ? (input as Fields<unknown>) : {}
}
