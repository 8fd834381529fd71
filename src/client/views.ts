// What a node answers, as JSON: the client's own picture of it, for a client imports nothing of a
// node. A test holds these types against src/node/api.ts, both ways.

import type { Tag } from '../protocol/message.ts'
import type { MessageKind } from '../protocol/message.ts'
import type { HbError } from '../std/errors.ts'

/** Where a message was put in the log: final. Hash in base64url, timestamp in ms. */
export type Receipt = {
  readonly partition: number
  readonly height: number
  readonly hash: string
  readonly timestamp: number
}

export type OutgoingView = {
  readonly id: string
  readonly kind: MessageKind
  readonly target: string
  readonly tags: readonly Tag[]
  /** Text where it is UTF-8, else base64url with dataEncoding 'base64url'. */
  readonly data: string
  readonly dataEncoding: 'utf8' | 'base64url'
  readonly hops: number
  readonly count: number
  readonly budget: string
  readonly seq: number
}

export type ResultView = {
  readonly partition: number
  readonly height: number
  readonly messageId: string
  readonly process: string
  readonly slot: number
  readonly status: 'ok' | 'error'
  readonly code: string
  readonly text: string
  readonly gas: number
  readonly stateHash: string
  readonly messages: readonly OutgoingView[]
}

/**
 * pending: durable, not yet ordered. sequenced: has a receipt. evaluated: has a result. refused:
 * will never be ordered.
 */
export type MessageStatus = {
  readonly id: string
  readonly stage: 'pending' | 'sequenced' | 'evaluated' | 'refused'
  readonly receipt?: Receipt
  readonly result?: ResultView
  readonly refusal?: { readonly code: string; readonly text: string }
}

export type ProcessView = {
  readonly process: string
  readonly partition: number
  readonly name?: string
  readonly slot: number
  readonly height: number
  readonly status: 'live' | 'failed'
  readonly engine: string
  readonly module: string
  readonly stateHash: string
}

/** `text` is the state's JSON, exactly as it was hashed. */
export type StateView = {
  readonly process: string
  readonly slot: number
  readonly stateHash: string
  readonly text: string
}

/** What a message would do; of the state that it was tried on: slot and stateHash. */
export type DryRunView = {
  readonly process: string
  readonly slot: number
  readonly stateHash: string
  /** That the entry would have had, ms. */
  readonly timestamp: number
  readonly status: 'ok' | 'error'
  readonly code: string
  readonly text: string
  readonly gas: number
  /** Without ids and numbers: those come of a place in the log. */
  readonly messages: readonly Omit<OutgoingView, 'id' | 'seq'>[]
  /** Canonical JSON text of the changes to the state. */
  readonly changes: string
  /** JSON text of the state after it, where it was asked for. */
  readonly state?: string
}

export type EntryView = {
  readonly partition: number
  readonly height: number
  readonly hash: string
  readonly prev: string
  readonly timestamp: number
  readonly process: string
  readonly messageId: string
  readonly kind: MessageKind
  readonly caller: string
  readonly from: 'wallet' | 'process' | 'genesis'
  readonly target: string
  readonly tags: readonly Tag[]
  readonly data: string
  readonly dataEncoding: 'utf8' | 'base64url'
}

/** The last height that a partition's stream has now; −1: none yet. */
export type HeadView = { readonly partition: number; readonly height: number }

/** What a node's role has of a partition. */
export type Holding = 'opening' | 'open' | 'closing' | 'halted' | 'standby' | 'elsewhere'

export type Role = 'sequencer' | 'dre' | 'relayer'

export type PartitionHealth = {
  readonly partition: number
  readonly height: number
  readonly evaluated: number
  readonly sequencer: Holding
  readonly dre: Holding
  readonly relayer: Holding
  /** What the next entry is evaluated on, where the node's DRE has the partition. */
  readonly featureLevel?: number
  /**
   * Of the roles that keep a warm copy of it here, how many records that lags, as last looked at;
   * null: it has only begun.
   */
  readonly standbyLag?: Readonly<Partial<Record<Role, number | null>>>
  readonly halted?: { readonly code: string; readonly text: string }
  /** Its ingress waits for a schema registry, which does not answer; it goes on by itself. */
  readonly schemaAwaited?: { readonly code: string; readonly text: string }
}

export type NodeHealth = {
  readonly network: string
  readonly log: string
  readonly roles: readonly Role[]
  /** That the node can evaluate; of a DRE only. */
  readonly featureLevels?: readonly number[]
  readonly ready: boolean
  readonly partitions: readonly PartitionHealth[]
}

/** What a node is not ready for yet. */
export type Waiting = {
  readonly role: Role
  /** `halted`: waiting does not help. */
  readonly what: 'joining' | 'opening' | 'halted'
  readonly partition?: number
  /** Of what is opening: the topic that is read now, how many records are read, and of how many. */
  readonly topic?: string
  readonly read?: number
  readonly of?: number
  /** Ms until they are, at the pace so far. */
  readonly etaMs?: number
  readonly code?: string
}

export type Readiness = NodeHealth & { readonly waiting: readonly Waiting[] }

/** An outbox message with the place of the result that sent it. */
export type OutboxRow = OutgoingView & {
  readonly slot: number
  readonly partition: number
  readonly height: number
  readonly index: number
}

export type NetworkView = {
  /** The network's id. */
  readonly network: string
  readonly name: string
  readonly generation: number
  readonly partitions: number
  readonly intervalLength: number
  readonly sandbox: { readonly engine: string; readonly version: string }
  /** Limits of the protocol, and of this node's HTTP. */
  readonly limits: Readonly<Record<string, number>>
  readonly http: Readonly<Record<string, number>>
  /** Ids of the processes of genesis by name. */
  readonly processes: Readonly<Record<string, string>>
}

export type Accepted = { readonly id: string; readonly process: string; readonly partition: number }

/** What became of one item of a batch. */
export type BatchOutcome = Accepted | { readonly error: HbError }
