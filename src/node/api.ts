// What a node offers to its HTTP server, its command line and its tests: one interface, so that
// those need no Kafka, no threads and no knowledge of roles. Implemented by node.ts; shapes are
// the JSON that HTTP shows (bytes as base64url).

import type { DryRunSpec } from '../protocol/dry-run.ts'
import type { Network } from '../protocol/genesis.ts'
import type { MessageKind, Tag } from '../protocol/message.ts'
import type { HbError } from '../std/errors.ts'
import type { Trace } from '../std/trace.ts'
import type { Metric } from './metrics/metric.ts'
import type { Holding, Role } from './ownership.ts'
import type { Waiting } from './readiness.ts'

/** Where the sequencer put a message: settled, and so final. */
export type Receipt = {
  readonly partition: number
  readonly height: number
  /** Entry hash, base64url. */
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
 * pending: durable in ingress. sequenced: has a receipt. evaluated: has a result. refused: will
 * never be ordered.
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
  /** Name in genesis, where it has one. */
  readonly name?: string
  readonly slot: number
  /**
   * Of its last entry; where the node began at a manifest and the process had none since, the
   * manifest's.
   */
  readonly height: number
  readonly status: 'live' | 'failed'
  readonly engine: string
  readonly module: string
  readonly stateHash: string
}

export type StateView = {
  readonly process: string
  readonly slot: number
  readonly stateHash: string
  /** JSON text of the state, exactly as hashed. */
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

/**
 * What became of one submitted item: accepted (durable in ingress), or why not (and then nothing
 * of it was kept).
 */
export type Submitted =
  | { readonly id: string; readonly process: string; readonly partition: number }
  | { readonly error: HbError }

export type PartitionHealth = {
  readonly partition: number
  /** Settled height of the log and last evaluated one, as this node knows them; −1: it does not. */
  readonly height: number
  readonly evaluated: number
  /** What this node's roles have of the partition. */
  readonly sequencer: Holding
  readonly dre: Holding
  readonly relayer: Holding
  /** What the next entry is evaluated on, where this node's DRE has the partition. */
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
  /** That this node can evaluate; of a DRE only. */
  readonly featureLevels?: readonly number[]
  /** Every role has joined its group, and every partition that it owns is open. */
  readonly ready: boolean
  readonly partitions: readonly PartitionHealth[]
}

/** What a node is, and what it still waits for: nothing, where it is ready. */
export type Readiness = NodeHealth & { readonly waiting: readonly Waiting[] }

/** A node's own part of the list of processes: of the partitions that its DRE has open. */
export type Part = {
  readonly processes: readonly ProcessView[]
  readonly partitions: readonly number[]
}

/** `node`: from what this node itself knows. `network`: other nodes are asked for their part. */
export type Scope = 'network' | 'node'

export type Page = { readonly after?: string; readonly limit?: number }

export type NodeApi = {
  readonly network: Network
  /**
   * Checks each item (form, limits, network, signature) and appends those that pass to ingress;
   * resolves when they are durable there. Two submits of one wallet to one process, the second
   * called after the first resolved, keep their order. Throws `queue-full` with nothing kept.
   * `trace` (W3C trace context): what traces them.
   */
  submit(items: readonly Uint8Array[], trace?: Trace): Promise<Submitted[]>
  /**
   * Waits until the message is at least at the stage, or the timeout; resolves with where it is
   * then. Scope: `network` by default.
   */
  waitFor(
    id: string,
    stage: 'sequenced' | 'result',
    timeoutMs: number,
    scope?: Scope,
  ): Promise<MessageStatus>
  /**
   * undefined: never heard of. Scope: `network` by default; then it throws where it cannot say,
   * because who could know is not reached (`peer-unreachable`, `process-unserved`).
   */
  message(id: string, scope?: Scope): Promise<MessageStatus | undefined>
  /**
   * By process id, after `after`, at most `limit`; of all nodes, or `peer-unreachable`,
   * `process-unserved`.
   */
  processes(page?: Page): Promise<ProcessView[]>
  part(page?: Page): Promise<Part>
  /**
   * Who serves the processes of a partition, and follows its log: `here`, the address of another
   * node, or (undefined) nobody now. What follows is of this node alone.
   */
  servedAt(partition: number): Promise<string | undefined>
  process(id: string): Promise<ProcessView | undefined>
  state(id: string): Promise<StateView | undefined>
  /**
   * What a message would do to the current state, or to that after `spec.atSlot`, evaluated apart;
   * changes nothing. Errors: `dry-run-malformed` and what the door refuses a message with,
   * `process-not-found`, `process-unserved`, `state-unknown`, `state-not-kept`,
   * `dry-runs-too-many`.
   */
  dryRun(id: string, spec: DryRunSpec, withState?: boolean): Promise<DryRunView>
  /** Results by slot, from `from`, at most `limit`. */
  results(id: string, from: number, limit: number): Promise<ResultView[]>
  /** Accepted entries from a height on, for ever, until the signal. */
  tail(partition: number, fromHeight: number, signal: AbortSignal): AsyncIterable<EntryView>
  health(): NodeHealth
  /** With how far it is, as far as the log tells in time. */
  readiness(): Promise<Readiness>
  /** Counts and states as of now; groups' lags as of at most `lagIntervalMs` ago. */
  metrics(): Promise<readonly Metric[]>
}
