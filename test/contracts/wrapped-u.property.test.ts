// Wrapped U under random mints, transfers and burns, failures, and answers that are forged, late or
// come again: what is minted and pending is what is held, after every single message.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { idOf } from './network.ts'
import { Wrapped } from './wrapped.ts'

const WALLETS = ['Ada', 'Bob', 'Cyd'].map(idOf)
const MALLORY = idOf('Mallory, a process')

const wallet = fc.constantFrom(...WALLETS)
const quantity = fc.integer({ min: 1, max: 60 }).map(String)
const hops = fc.oneof({ weight: 6, arbitrary: fc.constant(64) }, { weight: 1, arbitrary: fc.nat(5) })
const count = fc.oneof({ weight: 6, arbitrary: fc.constant(10_000) }, { weight: 1, arbitrary: fc.nat(12) })
/** What a message may cause. */
const left = fc.record({ hops, count })
const to = fc.constantFrom('', '', '', ...WALLETS, 'nobody', '__proto__', 'wrapper')
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wrap' as const), wallet, quantity, to, left }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('burn' as const), wallet, quantity, to, left }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('transfer' as const), wallet, quantity, to, which: fc.nat(1), left }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), wallet, which: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forge' as const), reference: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('move' as const), steps: fc.integer({ min: 1, max: 12 }), pick: fc.nat(50) }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

function addressed(wrapped: Wrapped, name: string): string {
  return name === 'wrapper' ? wrapped.wrapper : name
}

function run(wrapped: Wrapped, wanted: Command): void {
  const { network, wrapper, u, other } = wrapped
  const tokens = [u, other, wrapper]
  switch (wanted.do) {
    case 'wrap': {
      const tags: Record<string, string> = wanted.to === '' ? {} : { 'X-Recipient': addressed(wrapped, wanted.to) }
      wrapped.wrap(wanted.wallet, wanted.quantity, tags, wanted.left)
      return
    }
    case 'burn': {
      const tags: Record<string, string> = wanted.to === '' ? {} : { Recipient: addressed(wrapped, wanted.to) }
      wrapped.burn(wanted.wallet, wanted.quantity, tags, wanted.left)
      return
    }
    case 'transfer': {
      const recipient = wanted.to === '' ? wrapper : addressed(wrapped, wanted.to)
      wrapped.transfer(wanted.wallet, tokens[1 + wanted.which] as string, recipient, wanted.quantity, {}, wanted.left)
      return
    }
    case 'claim':
      wrapped.claim(wanted.wallet, tokens[wanted.which] as string)
      return
    case 'again': {
      // Answers of U, once more; a credit twice is what the log rules out (R3).
      const answers = network.results.filter(
        ({ action: { kind, caller, tags } }) =>
          caller === u && tags['Reference'] !== undefined && (kind === 'notice' || kind === 'bounce'),
      )
      const answer = answers[wanted.which % Math.max(1, answers.length)]
      if (answer === undefined) return
      const { caller, tags, kind } = answer.action
      network.inject(caller, wrapper, { kind, tags })
      return
    }
    case 'forge':
      forge(wrapped, String(wanted.reference))
      return
    case 'wait':
      network.time += 86_400_000
      return
    case 'move':
      for (let step = 0; step < wanted.steps; step += 1) {
        if (!network.step((channels) => (wanted.pick + step) % channels)) return
        wrapped.check()
      }
  }
}

/** Mallory, a process, says that U answered; her own "token" credits are hers alone. */
function forge(wrapped: Wrapped, Reference: string): void {
  const claims = { Reference, Quantity: '1000000', Recipient: MALLORY }
  for (const kind of ['notice', 'bounce', 'message'] as const) {
    for (const Action of ['Debit-Notice', 'Bounce', '__proto__']) {
      wrapped.network.inject(MALLORY, wrapped.wrapper, { kind, tags: { Action, ...claims } })
      wrapped.check()
    }
  }
  const tags = { Action: 'Credit-Notice', Sender: MALLORY, Quantity: '1000000' }
  wrapped.network.inject(MALLORY, wrapped.wrapper, { kind: 'notice', tags, hops: 0 })
}

/** Everybody claims and burns what they have: then nothing may be left behind, or missing. */
function closeDown(wrapped: Wrapped): void {
  const { network, u, other, wrapper } = wrapped
  network.failing = () => false
  network.settle()
  for (const token of [wrapper, u, other]) {
    for (const key of Object.keys(wrapped.state.custody.owed)) {
      const [account, owedIn] = key.split('/') as [string, string]
      if (owedIn === token && account !== wrapper) expect(wrapped.claim(account, token).text).toBe('')
    }
    network.settle()
  }
  for (const [account, held] of Object.entries(wrapped.state.balances)) {
    expect(wrapped.burn(account, held).text).toBe('')
  }
  network.settle()
  wrapped.check()
  expect(wrapped.state).toMatchObject({ balances: {}, supply: '0', pending: '0' })
  for (const token of [u, other]) expect(wrapped.balances(token)[wrapper]).toBeUndefined()
}

describe('wrapped U', () => {
  test('backs every unit, after every message', () => {
    const seen = { released: 0, returned: 0, owed: 0, minted: 0 }
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }),
        fc.constantFrom(0, 2, 3),
        (commands, failEvery) => {
          const wrapped = new Wrapped(Object.fromEntries(WALLETS.map((each) => [each, '1000'])))
          let messages = 0
          wrapped.network.failing = ({ kind, fromKind }) =>
            failEvery > 0 && kind === 'message' && fromKind === 'process' && (messages += 1) % failEvery === 0
          for (const wanted of commands) {
            run(wrapped, wanted)
            wrapped.check()
            if (wrapped.owed(wrapped.u) > 0n) seen.owed += 1
          }
          closeDown(wrapped)
          for (const { from, tags } of wrapped.network.notices) {
            if (from !== wrapped.wrapper) continue
            if (tags['Action'] === 'Credit-Notice') seen.minted += 1
            if (tags['Status'] === 'released') seen.released += 1
            if (tags['Status'] === 'returned') seen.returned += 1
          }
        },
      ),
      { numRuns: 100 },
    )
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(3)
  })

  test('the checks can fail', () => {
    const wrapped = new Wrapped({ [WALLETS[0] as string]: '10' })
    wrapped.wrap(WALLETS[0] as string, '10')
    wrapped.network.settle()
    wrapped.check()
    const process = wrapped.network.processes.get(wrapped.wrapper)
    if (process === undefined) throw new Error('no wrapper')
    const { text } = process
    process.text = text.replace('"supply":"10"', '"supply":"11"')
    expect(() => wrapped.check()).toThrow('supply: 11, not 10')
    process.text = text.replaceAll('"10"', '"11"')
    expect(() => wrapped.check()).toThrow('minted, pending and owed: 11, not 10')
    process.text = text.replace('"pending":"0"', '"pending":"1"')
    expect(() => wrapped.check()).toThrow('pending: 1, not 0')
  })
})
