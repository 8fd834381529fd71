// Who owns a process, and what an owner may do: hand it on, and give it another module.
//
// Invariants: O1 only the owner's own message does any of it. O2 a new owner is one that accepted:
// an address with a slip in it cannot become the owner. O3 a process without an owner never has
// one again. O4 an upgrade is a message of the process to itself; whether it holds, the network
// decides, and if it fails everything is as before.

import { address } from './schemas.ts'
import { on } from './contract.ts'
import type { Handler } from './contract.ts'
import { reply, tag } from './messages.ts'
import { refuse } from './refusal.ts'
import type { Action, Outgoing } from './types.ts'

/** In the contract's state; '' for none. */
export type Owned = { owner: string; offeredTo?: string }
/** `self`: this process, `ownId(spawn)` in its spawn. */
export type Upgradable = Owned & { self: string }

/** `owner-only` where somebody else sent the message. */
export function requireOwner({ owner }: Owned, { caller }: Action): void {
  if (owner === '' || owner !== caller) refuse('owner-only', 'only the owner may do this')
}

/**
 * Offer-Ownership {Address}, Accept-Ownership and Renounce-Ownership, to be spread into `actions`;
 * `owner-only`, `ownership-not-offered`.
 */
export function ownership<S extends Owned>(): Record<string, Handler<S>> {
  return {
    'Offer-Ownership': on({ Address: address }, (state: S, { Address }, message) => {
      requireOwner(state, message)
      state.offeredTo = Address
      return [reply(message, 'Offer-Ownership-Reply', { Address })]
    }),
    'Accept-Ownership': (state, message) => {
      if (state.offeredTo !== message.caller) {
        refuse('ownership-not-offered', 'the owner must offer it first')
      }
      return owned(state, message.caller, message)
    },
    'Renounce-Ownership': (state, message) => {
      requireOwner(state, message)
      return owned(state, '', message)
    },
  }
}

/**
 * Upgrade {Module: hash}, or with the new module's source as its data, by the owner; to be spread
 * into `actions`. The new module's `migrate(state, action)`, where it exports one, then brings the
 * state to its own form. `owner-only`, `module-missing`.
 */
export function upgradable<S extends Upgradable>(): Record<string, Handler<S>> {
  return {
    Upgrade: (state, message) => {
      requireOwner(state, message)
      const module = tag(message, 'Module')
      const source = message.dataEncoding === 'utf8' ? message.data : ''
      if (module === undefined && source === '') {
        refuse('module-missing', 'name a Module by its hash, or send the source as data')
      }
      return [upgrade(state.self, module === undefined ? { source } : { module })]
    },
  }
}

/** What a process sends itself to go on with another module; it must send it to no other. */
export function upgrade(self: string, to: { module: string } | { source: string }): Outgoing {
  return { kind: 'upgrade', target: self, data: to }
}

function owned(state: Owned, owner: string, message: Action): Outgoing[] {
  state.owner = owner
  delete state.offeredTo
  return [reply(message, 'Ownership-Reply', { Owner: owner })]
}
