// The contract of the hostile contracts, one act per Action, and the model of it. Runs in the
// sandbox as it stands here.

import type { MakeModel, Sent } from './model/model.ts'
import { message, modelOf, notice, Refused, refuse } from './model/model.ts'

/** Acts that come to nothing, and what the network must say to each. */
export const FAILING: Readonly<Record<string, string>> = {
  Loop: 'gas-exhausted',
  Regexp: 'gas-exhausted',
  Recurse: 'stack-overflow',
  Many: 'outbox-too-many',
  Wide: 'outbox-too-large',
  Output: 'output-too-large',
  Deep: 'state-not-json',
  Large: 'state-too-large',
  Throw: 'contract-error',
  ThrowTextless: 'contract-error',
  Status: 'contract-error',
  StatusNumber: 'result-malformed',
  Number: 'result-malformed',
  Text: 'result-malformed',
  Entries: 'outbox-malformed',
  Target: 'outbox-malformed',
  FakeBounce: 'outbox-malformed',
  Unknown: 'outbox-malformed',
  Hops: 'outbox-malformed',
  Count: 'count-exhausted',
  Budget: 'budget-exceeded',
  Promise: 'promise-unsettled',
  Promises: 'promises-too-many',
  Proto: 'state-not-json',
  ProtoParsed: 'state-not-json',
  ProtoObject: 'state-not-json',
  Accessor: 'state-not-json',
  Function: 'state-not-json',
  Cycle: 'state-not-json',
  Nan: 'state-not-json',
  Freeze: 'state-not-json',
}

export const VILLAIN = `
const to = (target, Action, more) => ({ target, tags: { Action, ...more } })
const nest = (depth) => (depth === 0 ? {} : { inner: nest(depth - 1) })
const acts = {
  Loop() { for (;;); },
  Regexp() { /^(a+)+$/.test('a'.repeat(40) + 'b') },
  Recurse() { const down = () => 1 + down(); down() },
  Many: ({ peer }) => Array.from({ length: 500 }, () => to(peer, 'Poke')),
  Wide: ({ peer }) => [{ ...to(peer, 'Poke'), data: 'x'.repeat(70000) }],
  Output: ({ peer }) => [{ ...to(peer, 'Poke'), data: 'x'.repeat(150000) }],
  Deep(state) { state.deep = nest(200) },
  Large(state) { state.large = 'x'.repeat(300000) },
  Throw(state) { throw new Error('on purpose') },
  ThrowTextless() { throw { get message() { throw 1 } } },
  Entries: () => [42],
  Target: () => [to('nowhere', 'Poke')],
  FakeBounce: ({ peer }) => [{ ...to(peer, 'Bounce'), kind: 'bounce' }],
  Unknown: ({ peer }) => [{ ...to(peer, 'Poke'), caller: peer }],
  Hops: ({ peer }) => [{ ...to(peer, 'Poke'), hops: -1 }],
  Count: ({ peer }) => [{ ...to(peer, 'Poke'), count: 1e6 }],
  Budget: ({ peer }) => [{ ...to(peer, 'Poke'), budget: '5' }],
  Proto(state) { state['__proto__'] = { rich: true } },
  ProtoParsed(state) { state.parsed = JSON.parse('{"__proto__": 1}') },
  ProtoObject(state) { Object.setPrototypeOf(state, { rich: true }) },
  Accessor(state) { Object.defineProperty(state, 'rich', { get: () => true }) },
  Function(state) { state.rich = () => true },
  Cycle(state) { const all = {}; all.all = all; state.all = all },
  Nan(state) { state.rich = NaN },
  Freeze(state) { Object.freeze(state) },
  Self: ({ self }) => [to(self, 'Self')],
  Flood: ({ self, peer }) => [to(peer, 'Flood'), to(self, 'Flood'), to(peer, 'Flood')],
  Bomb: ({ nobody }) => ['1', '2'].map((bomb) => to(nobody, 'Poke', { 'X-Bomb': bomb })),
  Forge: (state, { tags }) => [
    { kind: 'notice', ...to(tags.Whom, 'Credit-Notice', { Sender: tags.For, Quantity: '99' }) },
    { kind: 'notice', ...to(tags.Whom, 'Stake-Of-Reply', { Reference: '0', Quantity: '99' }) },
  ],
  Poke: () => [],
}
const odd = {
  Status: () => ({ status: 'refused on purpose' }),
  StatusNumber: () => ({ status: 1 }),
  Number: () => 42,
  Text: () => ({ messages: 'none' }),
  Promise: () => new Promise(() => {}),
  Promises: async () => { for (let i = 0; i < 10000; i++) await i },
}
exports.handle = (state, action) => {
  if (action.kind === 'spawn') return {}
  if (action.kind === 'notice') return {}
  state.n += 1
  const { Action } = action.tags
  if (action.kind === 'bounce') {
    state.bounces += 1
    return action.tags['X-Bomb'] === undefined ? {} : { messages: acts.Bomb(state) }
  }
  if (Object.hasOwn(odd, Action)) return odd[Action]()
  if (!Object.hasOwn(acts, Action)) throw new Error('no such act')
  const messages = acts[Action](state, action)
  return messages === undefined ? {} : { messages }
}`

export const villainModel: MakeModel = ({ self, peer, nobody }) => {
  const flood = [peer, self, peer].map((to) => message(to as string, { Action: 'Flood' }))
  const bombs = ['1', '2'].map((bomb) =>
    message(nobody as string, { Action: 'Poke', 'X-Bomb': bomb }),
  )
  return modelOf(
    { n: 0, bounces: 0 },
    {
      handle: (state, { kind, tag }): Sent[] => {
        if (kind === 'spawn' || kind === 'notice') return []
        const action = tag('Action') ?? ''
        state.n += 1
        if (kind === 'bounce') {
          state.bounces += 1
          return tag('X-Bomb') === undefined ? [] : bombs
        }
        const code = FAILING[action]
        if (code !== undefined) throw new Refused(code, '')
        switch (action) {
          case 'Self':
            return [message(self as string, { Action: 'Self' })]
          case 'Flood':
            return flood
          case 'Bomb':
            return bombs
          case 'Forge': {
            const whom = tag('Whom') ?? ''
            return [notice(whom, 'Credit-Notice'), notice(whom, 'Stake-Of-Reply')]
          }
          case 'Poke':
            return []
          default:
            return refuse('no such act')
        }
      },
      expected: ({ n, bounces }) => ({ n, bounces, rest: [] }),
      // whatever an act that failed left behind
      seen: ({ n, bounces, self: _self, peer: _peer, nobody: _nobody, ...rest }) => {
        return { n, bounces, rest: Object.keys(rest) }
      },
    },
  )
}
