// Money: the sum of a token's balances never changes, and each balance is what a ledger in memory
// makes of the same requests. The ledger is small on purpose and shares nothing with contracts/.

import type { Entry } from '../../../src/protocol/entry.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import { isIdText } from '../../../src/std/bytes.ts'
import type { Facts } from './facts.ts'
import type { Tell } from './history.ts'

export type Balances = Map<string, bigint>

export type Transfer = { readonly from: string; readonly to: string; readonly quantity: bigint }

/** The sum of all balances at the end is the sum that genesis gave. */
export function balancesConserved({ network, history }: Facts, tell: Tell): void {
  for (const [process, text] of history.tokens) {
    const [begun, ended] = [sum(minted(network, process)), sum(balancesIn(text))]
    if (begun !== ended) tell({ id: process, text: `${begun} at genesis, ${ended} at the end` })
  }
}

/** Where the sum is right, each balance is what the log's requests make of it one by one. */
export function balancesModelled({ network, partitions, history }: Facts, tell: Tell): void {
  for (const [process, text] of history.tokens) {
    const ledger = minted(network, process)
    const ended = balancesIn(text)
    if (sum(ledger) !== sum(ended)) continue
    for (const { entries } of partitions) {
      for (const entry of entries) if (entry.message.process === process) apply(ledger, entry)
    }
    for (const account of new Set([...ledger.keys(), ...ended.keys()])) {
      const [model, held] = [ledger.get(account) ?? 0n, ended.get(account) ?? 0n]
      if (model === held) continue
      tell({ id: process, text: `${account} holds ${held}, the requests make ${model}` })
    }
  }
}

function apply(ledger: Balances, entry: Entry): void {
  const move = transferOf(ledger, entry)
  if (move === undefined) return
  const { from, to, quantity } = move
  ledger.set(from, (ledger.get(from) ?? 0n) - quantity)
  ledger.set(to, (ledger.get(to) ?? 0n) + quantity)
}

/** What an entry of a token moves, at these balances; undefined: nothing. */
export function transferOf(ledger: Balances, { message, timestamp }: Entry): Transfer | undefined {
  const { caller, kind, tags, expires } = message
  if (kind !== 'message' || tagValue(tags, 'Action') !== 'Transfer') return undefined
  if (expires !== undefined && timestamp > expires) return undefined
  const recipient = tagValue(tags, 'Recipient') ?? ''
  const quantity = tagValue(tags, 'Quantity') ?? ''
  if (!isIdText(recipient) || !/^[1-9][0-9]{0,70}$/.test(quantity)) return undefined
  // two notices must still be possible, else nothing of it happens
  if (message.hops < 1 || message.count < 2) return undefined
  if ((ledger.get(caller) ?? 0n) < BigInt(quantity)) return undefined
  return { from: caller, to: recipient, quantity: BigInt(quantity) }
}

/** Balances of a token as genesis gives them. */
export function minted(network: Facts['network'], process: string): Balances {
  const name = [...network.processIds].find(([, id]) => id === process)?.[0]
  const state = network.genesis.processes.find((each) => each.name === name)?.state
  return balancesIn(JSON.stringify(state ?? {}))
}

/** Balances in a token's state. */
export function balancesIn(text: string): Balances {
  const { balances = {} } = JSON.parse(text) as { balances?: Record<string, string> }
  return new Map(Object.entries(balances).map(([account, amount]) => [account, BigInt(amount)]))
}

/** Of all balances. */
export function sum(balances: Balances): bigint {
  return [...balances.values()].reduce((total, amount) => total + amount, 0n)
}
