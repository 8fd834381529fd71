// Money: what a token's state, its balances and its results say is what a small ledger makes of the
// accepted requests, slot by slot.

import type { Network } from '../../../src/protocol/genesis.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Balances, Transfer } from '../../chaos/checker/balance-checks.ts'
import { balancesIn, minted, sum, transferOf } from '../../chaos/checker/balance-checks.ts'
import type { Invariant } from './watch.ts'

/** One token: the ledger at the newest slot, and what each slot moved, to go back by. */
class Ledger {
  readonly #balances: Balances
  readonly #moves: (Transfer | undefined)[] = []
  /** The slot of `at`, and how that was reached: a second ledger that follows what is asked. */
  readonly #shown: Balances
  #slot = -1
  readonly total: bigint

  constructor(network: Network, process: string) {
    this.#balances = minted(network, process)
    this.#shown = new Map(this.#balances)
    this.total = sum(this.#balances)
  }

  /** Entries in order, the spawn first; whether it moves anything. */
  take(entry: Entry): boolean {
    const move = transferOf(this.#balances, entry)
    this.#moves.push(move)
    if (move !== undefined) apply(this.#balances, move)
    return move !== undefined
  }

  /** Balances after a slot; undefined before it is known. */
  at(slot: number): Balances | undefined {
    if (slot >= this.#moves.length) return undefined
    while (this.#slot < slot) apply(this.#shown, this.#moves[++this.#slot])
    while (this.#slot > slot) undo(this.#shown, this.#moves[this.#slot--])
    return this.#shown
  }
}

/**
 * A transfer that the ledger can make is `ok`, one that it cannot make is an error; a state that a
 * node serves holds the total of genesis, and each balance as of its slot.
 */
export const fundsConserved: Invariant = ({ network, heights, partitions }, tell) => {
  const ledgers = new Map<string, Ledger>()
  for (const process of tokensOf(network)) ledgers.set(process, new Ledger(network, process))
  /** Of transfers whose result is not published: whether the ledger made them. */
  const made = partitions.map(() => new Map<number, boolean>())
  return {
    log(fact) {
      if (fact.type !== 'entry') return
      const { message, partition, height } = fact.entry
      const ledger = ledgers.get(message.process)
      if (ledger === undefined || heights.get(message.process) === undefined) return
      const moves = ledger.take(fact.entry)
      const { kind, tags } = message
      if (kind !== 'message' || tagValue(tags, 'Action') !== 'Transfer') return
      made[partition]?.set(height, moves)
    },
    run({ partition, fresh }) {
      for (const { height, status, messageId: id } of fresh) {
        const moves = made[partition]?.get(height)
        if (moves === undefined) continue
        made[partition]?.delete(height)
        if (moves === (status === 'ok')) continue
        const text = `a transfer that the ledger ${moves ? 'makes' : 'cannot make'} is ${status}`
        tell({ partition, height, id, text })
      }
    },
    state(node, { process: id, slot, text }) {
      const ledger = ledgers.get(id)
      if (ledger === undefined) return
      const held = balancesIn(text)
      const total = sum(held)
      if (total !== ledger.total) {
        const of = `${ledger.total} at genesis, ${total} at slot ${slot} on ${node}`
        return tell({ id, text: of })
      }
      const model = ledger.at(slot)
      if (model === undefined) return tell({ id, text: `${node} shows slot ${slot}, not accepted` })
      for (const account of new Set([...held.keys(), ...model.keys()])) {
        const [has, made] = [held.get(account) ?? 0n, model.get(account) ?? 0n]
        if (has === made) continue
        const text = `${account} holds ${has} at slot ${slot} on ${node}, the ledger ${made}`
        return tell({ id, text })
      }
    },
  }
}

/** Genesis processes that hold balances. */
export function tokensOf({ genesis, processIds }: Network): string[] {
  return genesis.processes.flatMap(({ name, state }) => {
    const holds = 'balances' in ((state ?? {}) as Record<string, unknown>)
    return holds ? [processIds.get(name) as string] : []
  })
}

function apply(balances: Balances, move: Transfer | undefined): void {
  if (move === undefined) return
  const { from, to, quantity } = move
  balances.set(from, (balances.get(from) ?? 0n) - quantity)
  balances.set(to, (balances.get(to) ?? 0n) + quantity)
}

function undo(balances: Balances, move: Transfer | undefined): void {
  if (move !== undefined) apply(balances, { ...move, from: move.to, to: move.from })
}
