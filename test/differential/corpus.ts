// The corpus: contracts of our own writing in the styles that were published for SmartWeave, each
// with its first state and a maker of random inputs, some of them wrong.

import { readFileSync } from 'node:fs'
import { bigBundle, RULES } from './big-bundle.ts'
import { CALLERS, interactions, named, OWNER } from './interaction.ts'
import type { Draw, Interaction, MakeInput } from './interaction.ts'

export type CorpusContract = {
  readonly name: string
  /** Its shape and what it exercises, in a few words. */
  readonly about: string
  readonly id: string
  readonly owner: string
  /** The id of the source it starts with. */
  readonly sourceId: string
  /** By id: those it may evolve to, too. */
  readonly sources: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, unknown>>
  readonly usesKv: boolean
  readonly input: MakeInput
}

export function runOf(contract: CorpusContract, count: number, seed: number): Interaction[] {
  return interactions({ contract: contract.id, count, seed, input: contract.input })
}

function source(file: string): string {
  return readFileSync(new URL(`./contracts/${file}`, import.meta.url), 'utf8')
}

type Part = Pick<CorpusContract, 'name' | 'about' | 'state' | 'input'> & {
  readonly sources?: Readonly<Record<string, string>>
  readonly usesKv?: boolean
}

function contract({ name, sources, usesKv = false, ...rest }: Part): CorpusContract {
  const sourceId = named(`source ${name}`)
  return {
    name,
    id: named(`contract ${name}`),
    owner: OWNER,
    sourceId,
    sources: sources ?? { [sourceId]: source(`${name}.js`) },
    usesKv,
    ...rest,
  }
}

function holdings(amount: number | string): Record<string, number | string> {
  return Object.fromEntries(CALLERS.slice(0, 5).map((caller) => [caller, amount]))
}

/** Mostly a small whole number; now and then what no contract wants. */
function quantity(draw: Draw, most: number): unknown {
  if (draw.chance(0.1)) return draw.pick([0, -1, 1.5, '7', null, 1e9, true, [], {}])
  return 1 + draw.below(most)
}

/** Inputs that are malformed in themselves come with every contract. */
function often(make: MakeInput): MakeInput {
  return (draw) => {
    if (!draw.chance(0.03)) return make(draw)
    return draw.pick(['{"function":', 'null', '0', '""', 'no JSON', '[]', '"text"', '7', '{}'])
  }
}

const token: MakeInput = (draw) => {
  const name = draw.pick(
    'transfer transfer transfer mint approve transferFrom offer claim balance wrong'.split(' '),
  )
  const input = { function: name, target: draw.chance(0.05) ? undefined : draw.caller() }
  return {
    ...input,
    qty: quantity(draw, 60),
    spender: draw.chance(0.1) ? 5 : draw.caller(),
    from: draw.caller(),
    of: draw.ids.length === 0 ? '' : draw.pick(draw.ids.slice(-40)),
  }
}

const asset: MakeInput = (draw) => {
  const name = draw.pick(
    'transfer list list cancel buy buy deposit owner-of wrong'.split(' '),
  )
  return {
    function: name,
    target: draw.chance(0.1) ? 'nobody' : draw.caller(),
    qty: quantity(draw, 8),
    price: quantity(draw, 200),
    amount: draw.below(400),
    id: draw.ids.length === 0 ? '' : draw.pick(draw.ids.slice(-25)),
  }
}

const NAMES = 'a bc def ghij klmno arweave permaweb ho-llow -bad beam 123 x-1 Upper'.split(' ')

const names: MakeInput = (draw) => ({
  function: draw.pick('buy buy buy extend undernames point hand prune fund price none'.split(' ')),
  name: draw.pick(NAMES),
  years: draw.chance(0.1) ? draw.pick([0, 9, 1.5, '2']) : 1 + draw.below(5),
  permanent: draw.chance(0.1),
  target: draw.ids.at(-1) ?? '',
  to: draw.caller(),
  qty: 1 + draw.below(30),
})

const voting: MakeInput = (draw) => {
  const name = draw.pick(
    'lock lock release propose vote vote vote finalize weight none'.split(' '),
  )
  const sets = draw.chance(0.5)
  return {
    function: name,
    qty: quantity(draw, 200),
    length: draw.chance(0.1) ? 5_000 : 10 + draw.below(300),
    vesting: draw.chance(0.5),
    note: draw.chance(0.1) ? ' ' : `note ${draw.below(99)}`,
    ...(sets && { key: draw.pick(['quorum', 'voteLength', 'other']), value: 50 + draw.below(99) }),
    id: draw.below(12),
    cast: draw.pick(['yay', 'yay', 'nay', 'maybe']),
    target: draw.caller(),
  }
}

const staking: MakeInput = (draw) => ({
  function: draw.pick(
    'join delegate delegate undelegate withdraw reward settle claim __proto__'.split(' '),
  ),
  fee: draw.below(100),
  to: draw.caller(),
  from: draw.caller(),
  of: draw.caller(),
  amount: draw.chance(0.1)
    ? draw.pick(['-5', 'x', 0.5, 1e30, null])
    : draw.pick([String(draw.below(1e6)), draw.below(5_000), '123456789012345678901']),
})

const ledger: MakeInput = (draw) => ({
  function: draw.pick(
    'mint mint transfer transfer transfer burn note broken sum keys balance none'.split(' '),
  ),
  to: draw.caller(),
  target: draw.caller(),
  qty: draw.chance(0.1) ? 0 : 1 + draw.below(70),
  text: `text ${draw.below(50)}`,
})

const raffle: MakeInput = (draw) => {
  const name = draw.pick('enter enter enter enter draw code look lose mutate none'.split(' '))
  return { function: name, count: draw.below(7) || undefined, text: `täxt ${draw.uint32()} 🎟` }
}

const bundle: MakeInput = (draw) =>
  draw.chance(0.8)
    ? {
        function: 'run',
        rule: draw.below(RULES + 5),
        value: draw.pick([draw.below(1e6), -draw.below(9), 0.5, 'v', null]),
        text: Array.from({ length: draw.below(8) }, () => draw.uint32().toString(36)).join(' '),
      }
    : { function: draw.pick(['transfer', 'none']), target: draw.caller(), qty: quantity(draw, 90) }

const COUNTER = [named('source counter-1'), named('source counter-2')] as const

const counter: MakeInput = (draw) => ({
  function: draw.chance(0.002) ? 'freeze' : draw.pick('add add add add evolve none'.split(' ')),
  n: draw.chance(0.1) ? draw.pick(['1', 0.5, null]) : draw.below(90),
  value: draw.chance(0.1) ? 'no source' : draw.pick(COUNTER),
})

/** All of them. */
export function corpus(): CorpusContract[] {
  return [...ofMoney(), ...ofRights(), ...ofOtherThings()]
}

function ofMoney(): CorpusContract[] {
  const balances = holdings(1_000)
  return [
    contract({
      name: 'token',
      about: 'bare ESM, async, in place',
      state: { owner: OWNER, ticker: 'T', supply: 5_000, balances, claims: [], allowances: {} },
      input: often(token),
    }),
    contract({
      name: 'atomic-asset',
      about: '"use strict", sync, whole states, ContractAssert',
      state: {
        creator: OWNER,
        balances: holdings(100),
        deposits: {},
        listings: [],
        sales: 0,
        settings: { royalty: 5, listingBlocks: 60 },
      },
      input: often(asset),
    }),
  ]
}

function ofRights(): CorpusContract[] {
  return [
    contract({
      name: 'names',
      about: 'IIFE bundle, classes, leases by time and height',
      state: {
        balances: holdings(500_000),
        records: {},
        treasury: 0,
        demand: { from: 1_200_000, bought: 0, factor: 1 },
      },
      input: often(names),
    }),
    contract({
      name: 'voting',
      about: 'vaults, vesting, BigNumber, Map',
      state: {
        balances: holdings(1_000),
        vault: {},
        votes: [],
        settings: Object.entries({
          lockMinLength: 20,
          lockMaxLength: 250,
          voteLength: 60,
          quorum: 100,
          support: 0.5,
        }),
      },
      input: often(voting),
    }),
    contract({
      name: 'staking',
      about: 'ESM of helpers, own error class, BigNumber texts, Promise.all',
      state: {
        owner: OWNER,
        balances: holdings('900000000000000000000000'),
        validators: {},
        rewards: {},
        staked: '0',
      },
      input: often(staking),
    }),
  ]
}

function ofOtherThings(): CorpusContract[] {
  return [
    contract({
      name: 'kv-ledger',
      about: 'SmartWeave.kv with errors that take it back',
      state: { owner: OWNER, minted: 0, burned: 0, transfers: 0, sum: 0, holders: [], keys: [] },
      usesKv: true,
      input: often(ledger),
    }),
    {
      ...contract({
        name: 'counter',
        about: 'evolve, there and back',
        sources: { [COUNTER[0]]: source('counter-1.js'), [COUNTER[1]]: source('counter-2.js') },
        state: { owner: OWNER, canEvolve: true, count: 0, by: {} },
        input: often(counter),
      }),
      sourceId: COUNTER[0],
    },
    contract({
      name: 'raffle',
      about: 'crypto, utils, tags, sort key, event, generator',
      state: { rounds: [{ tickets: {}, referrers: {} }], draws: 0, codes: {} },
      input: often(raffle),
    }),
    contract({
      name: 'bundle',
      about: '10,000 lines, IIFE',
      sources: { [named('source bundle')]: bigBundle() },
      state: { balances: holdings(10_000), found: {}, last: null },
      input: often(bundle),
    }),
  ]
}
