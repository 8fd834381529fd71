// Who may send what: signers, allow-lists, owners.

import { describe, expect, test } from '@jest/globals'

import {
  allow,
  contract,
  disallow,
  newAllowList,
  newQueue,
  ownId,
  ownership,
  requireAllowed,
  requireOwner,
  requireSigner,
  systemId,
  upgradable,
} from '../../src/lib/index.ts'
import type { Action, Outgoing, Upgradable } from '../../src/lib/index.ts'
import { ALLOWED_MAX } from '../../src/lib/index.ts'
import { idOf } from '../contracts/network.ts'
import { MALLORY, SELF, actionOf } from './asking.ts'

const OWNER = idOf('owner')
const NEXT = idOf('next')

describe('facts of a message', () => {
  test('its signer is the wallet that sent it itself', () => {
    expect(requireSigner(actionOf({ from: 'wallet', caller: OWNER }))).toBe(OWNER)
    expect(() => requireSigner(actionOf({ from: 'process' }))).toThrow(/^signer-missing/)
  })

  test('a spawn tells the process and those of genesis, and no other message does', () => {
    const input = { module: '', process: SELF, system: { clock: NEXT } }
    const spawn = actionOf({ kind: 'spawn', id: OWNER, input })
    expect([ownId(spawn), systemId(spawn, 'clock'), systemId(spawn, 'toString')]).toEqual([SELF, NEXT, undefined])
    expect(ownId(actionOf({ kind: 'spawn', id: OWNER }))).toBe(OWNER)
    const forged = actionOf({ id: OWNER, input })
    expect([ownId(forged), systemId(forged, 'clock')]).toEqual([OWNER, undefined])
    for (const system of [undefined, null, 'x', { clock: 5 }]) {
      expect(newQueue(actionOf({ kind: 'spawn', id: OWNER, input: { system } }))).not.toHaveProperty('clock')
    }
  })
})

describe('an allow-list', () => {
  test('lets in who is listed', () => {
    const list = newAllowList([OWNER])
    allow(list, NEXT)
    allow(list, NEXT)
    disallow(list, OWNER)
    disallow(list, MALLORY)
    expect(list).toEqual({ count: 1, members: { [NEXT]: true } })
    requireAllowed(list, actionOf({ caller: NEXT }))
    for (const caller of [OWNER, MALLORY, '__proto__']) {
      expect(() => requireAllowed(list, actionOf({ caller }))).toThrow(/^caller-not-allowed/)
    }
    expect(() => allow(list, '__proto__')).toThrow(/^address-malformed/)
    expect(() => allow({ ...list, count: ALLOWED_MAX }, OWNER)).toThrow(/^allow-list-full/)
  })
})

describe('ownership', () => {
  const handle = contract<Upgradable>({ actions: { ...ownership(), ...upgradable() } })

  function owned(): { state: Upgradable; as: (caller: string, changes: Partial<Action>) => Outgoing[] } {
    const state: Upgradable = { owner: OWNER, self: SELF }
    const as = (caller: string, changes: Partial<Action>) => handle(state, actionOf({ caller, ...changes })).messages ?? []
    return { state, as }
  }

  test('passes to who accepts what the owner offered', () => {
    const { state, as } = owned()
    expect(() => as(NEXT, { tags: { Action: 'Accept-Ownership' } })).toThrow(/^ownership-not-offered/)
    expect(() => as(NEXT, { tags: { Action: 'Offer-Ownership', Address: NEXT } })).toThrow(/^owner-only/)
    as(OWNER, { tags: { Action: 'Offer-Ownership', Address: NEXT } })
    expect(() => as(MALLORY, { tags: { Action: 'Accept-Ownership' } })).toThrow(/^ownership-not-offered/)
    expect(state.owner).toBe(OWNER)
    expect(as(NEXT, { tags: { Action: 'Accept-Ownership' } })[0]?.tags?.['Owner']).toBe(NEXT)
    expect(state).toEqual({ owner: NEXT, self: SELF })
    expect(() => requireOwner(state, actionOf({ caller: OWNER }))).toThrow(/^owner-only/)
  })

  test('that was given up is nobody’s, even of an offer made before', () => {
    const { state, as } = owned()
    as(OWNER, { tags: { Action: 'Offer-Ownership', Address: NEXT } })
    as(OWNER, { tags: { Action: 'Renounce-Ownership' } })
    expect(() => as(NEXT, { tags: { Action: 'Accept-Ownership' } })).toThrow(/^ownership-not-offered/)
    expect(() => requireOwner(state, actionOf({ caller: '' }))).toThrow(/^owner-only/)
  })

  test('lets the owner give the process another module, by hash or source', () => {
    const { as } = owned()
    const tags = { Action: 'Upgrade' }
    expect(as(OWNER, { tags: { ...tags, Module: NEXT } })).toEqual([
      { kind: 'upgrade', target: SELF, data: { module: NEXT } },
    ])
    expect(as(OWNER, { tags, data: 'exports.handle = 1' })).toEqual([
      { kind: 'upgrade', target: SELF, data: { source: 'exports.handle = 1' } },
    ])
    expect(() => as(OWNER, { tags })).toThrow(/^module-missing/)
    expect(() => as(OWNER, { tags, data: 'AAAA', dataEncoding: 'base64url' })).toThrow(/^module-missing/)
    expect(() => as(MALLORY, { tags: { ...tags, Module: NEXT } })).toThrow(/^owner-only/)
  })
})
