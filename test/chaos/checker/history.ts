// What a run left behind: the topics as they were read at the end, what clients saw meanwhile, and
// a fresh evaluation of the same log. Data only: the checker judges it, the recorder makes it.

import type { StoredRecord } from '../../../src/log/port.ts'
import type { Receipt, ResultView } from '../../../src/node/index.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import type { Result } from '../../../src/protocol/result.ts'

/** A partition's records from its start to its end, in offset order. */
export type PartitionRecords = {
  readonly log: readonly StoredRecord[]
  readonly ingress: readonly StoredRecord[]
  readonly outbox: readonly StoredRecord[]
}

/** One signed item; it may have been sent several times. Times: ms by the clients' clock. */
export type Submission = {
  readonly id: string
  readonly process: string
  readonly wallet: string
  readonly item: Uint8Array
  readonly sentAt: number
  /** When a node first said that it is durable (202); undefined where none ever did. */
  readonly acknowledgedAt?: number
}

export type SeenReceipt = Receipt & { readonly id: string }

/** `stage: refused` of a message's status. */
export type SeenRefusal = { readonly id: string; readonly code: string }

export type SeenState = {
  readonly process: string
  readonly slot: number
  readonly stateHash: string
  readonly text: string
}

/** What differed is kept: one row for each different answer to one question. */
export type ClientHistory = {
  readonly submissions: readonly Submission[]
  readonly receipts: readonly SeenReceipt[]
  readonly results: readonly ResultView[]
  readonly refusals: readonly SeenRefusal[]
  readonly states: readonly SeenState[]
}

/** A partition as the log alone evaluates to, with nothing remembered. */
export type EvaluatedPartition = {
  /** By height. */
  readonly results: readonly Result[]
  /** Final states by process, as JSON text. */
  readonly states: ReadonlyMap<string, string>
}

export type History = {
  readonly network: Network
  readonly partitions: readonly PartitionRecords[]
  readonly deadletters: readonly StoredRecord[]
  readonly clients: ClientHistory
  readonly evaluated: readonly EvaluatedPartition[]
  /** Token processes; their states as nodes served them when all was quiet, as JSON text. */
  readonly tokens: ReadonlyMap<string, string>
}

export type Violation = {
  readonly invariant: string
  readonly partition?: number
  readonly height?: number
  readonly id?: string
  readonly text: string
}

/** Tells of one violation; the invariant's name is added by who runs the check. */
export type Tell = (violation: Omit<Violation, 'invariant'>) => void
