// What a workload is: processes that it puts into genesis, what its wallets send next, and what it
// can predict. See docs/internals/simulation.md for how to add one.

import type { GenesisProcess, Network } from '../../../src/protocol/genesis.ts'
import type { DataItemFields } from '../../../src/protocol/ans104/index.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Result } from '../../../src/protocol/result.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { SimWallet } from './wallets.ts'

/** A process of genesis, with its name, its place and what a name must have to be there. */
export type Placed = { readonly name: string; readonly nonce: number; readonly id: string }

export type GenesisContext = {
  readonly partitions: number
  readonly addresses: readonly string[]
  place(name: string, partition: number): Placed
  /** Bundled source of a contract, by its path from the repository's root. */
  source(path: string): string
}

export type Turn = {
  readonly network: Network
  readonly random: Random
  readonly wallet: SimWallet
  readonly wallets: readonly SimWallet[]
  /** What the wallet's clock shows, ms. */
  readonly nowMs: number
  readonly generation: number
}

/** What is sent next: fields to sign, or bytes as they are (whoever made them). */
export type Draft = { readonly fields: DataItemFields } | { readonly bytes: Buffer }

/** What is known at the end of a run, of the whole network. */
export type Ending = {
  readonly network: Network
  /** Accepted entries and their results, by partition and height. */
  readonly partitions: readonly {
    readonly entries: readonly Entry[]
    readonly results: readonly Result[]
  }[]
  /** Final states of all processes, as JSON text: a fresh evaluation of the log. */
  readonly states: ReadonlyMap<string, string>
}

export type Workload = {
  readonly name: string
  /** Sources that `processes` asks for. */
  readonly contracts: readonly string[]
  processes(context: GenesisContext): GenesisProcess[]
  /** Undefined: it has nothing to send now. */
  draft(turn: Turn): Draft | undefined
  /** Whatever of the end is not what its model makes of the log. */
  judge(ending: Ending): Violation[]
}
