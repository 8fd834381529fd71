// What a workload is: processes that it puts into genesis, what its wallets send next, models of
// its contracts, and what else it can tell of the end. See docs/internals/simulation.md for how to
// add one.

import type { LogRecord, StoredRecord } from '../../../src/log/port.ts'
import type { GenesisProcess, Network } from '../../../src/protocol/genesis.ts'
import type { DataItemFields } from '../../../src/protocol/ans104/index.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Result } from '../../../src/protocol/result.ts'
import type { RefusalFact } from '../../chaos/checker/facts.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { MakeModel } from './model/model.ts'
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
  readonly ingress: Ingress
}

/** The topic hb.ingress as any Kafka client that may write to it has it. */
export type Ingress = {
  /** The offset; undefined where the topic is not there yet. */
  append(partition: number, record: LogRecord): number | undefined
  records(partition: number): readonly (StoredRecord | undefined)[]
}

/** What is sent next. */
export type Draft =
  /** To be signed by the wallet. */
  | { readonly fields: DataItemFields }
  /** Signed already; `times` > 1: to so many nodes at once. */
  | { readonly bytes: Buffer; readonly times?: number }
  /** What every node must refuse at its door, for this reason. */
  | { readonly refused: Buffer; readonly code: string }

/** What is known at the end of a run, of the whole network. */
export type Ending = {
  readonly network: Network
  /** Accepted entries and their published results, by partition and height. */
  readonly partitions: readonly {
    readonly entries: readonly Entry[]
    readonly results: readonly Result[]
  }[]
  /** Final states of all processes, as JSON text: a fresh evaluation of the log. */
  readonly states: ReadonlyMap<string, string>
  /** The same, as nodes serve them: every different text of a process. */
  readonly served: ReadonlyMap<string, ReadonlySet<string>>
  readonly refusals: readonly RefusalFact[]
}

export type Workload = {
  readonly name: string
  /** Some of its processes set alarms: the network has a clock. */
  readonly needsClock?: boolean
  /** Names of processes that are tokens: the checker's own ledger judges them too. */
  readonly tokenNames: readonly string[]
  /** Sources that `processes` asks for. */
  readonly contracts: readonly string[]
  processes(context: GenesisContext): GenesisProcess[]
  /** By the source of a contract: what any process of it is judged by. */
  models(source: GenesisContext['source']): readonly (readonly [string, MakeModel])[]
  /** Undefined: it has nothing to send now. */
  draft(turn: Turn): Draft | undefined
  /** Whatever of the end cannot be, beside what the models say of single processes. */
  judge?(ending: Ending): Violation[]
}

export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T
}
