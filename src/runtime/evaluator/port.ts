// The evaluator: the asynchronous side of the runtime. It spreads processes over workers and speaks
// in ordered batches. Adapters: createWorkerEvaluator (worker threads), createInlineEvaluator (no
// threads: tests, simulation).
//
// Owners: the caller (a DRE, a fisher) owns the store, the journal and the choice of what stays
// open (LRU); the evaluator owns the instances. It keeps nothing that the caller could not give it
// again by an `open`.
//
// Invariants: E1 commands for one process run in the order of the `run` calls and of their arrays,
// on one worker, so a caller may have several `run`s under way. E2 `run` resolves with exactly one
// reply per command, at its command's index; it never rejects for a contract's or a worker's sake,
// only with 'evaluator-closed' and 'evaluator-full'. E3 a process that is not open (never opened,
// closed, or lost with its worker) answers `lost` to every command but `open`, so nothing is ever
// evaluated on a stale state: after a `lost` or `fault` reply the caller opens again from its store
// and repeats the commands from that one on (evaluation is a pure function, R4, so repeating is
// harmless). E4 an `evaluate` whose reply did not arrive changed nothing that outlives its worker.

import type { Evaluation, EvaluationLimits, ModuleSource } from '../port.ts'

/** What the emitter's message has left, for the check of its outbox (protocol/outbox.ts). */
export type OutboxParent = {
  readonly hops: number
  readonly count: number
  readonly budget: string
}

export type EvaluatorCommand =
  | {
      /** Replaces an instance of the same process that is open. */
      readonly kind: 'open'
      readonly process: string
      /** The feature level that it is evaluated on until it is opened again. */
      readonly level: number
      /**
       * The source is shipped to a worker once; later opens of the same hash there send the hash
       * alone.
       */
      readonly module: ModuleSource
      /** JSON.stringify of the state. */
      readonly snapshot: string
      /** Change texts (R6) to apply in order after the snapshot. */
      readonly changes?: readonly string[]
    }
  | {
      readonly kind: 'evaluate'
      readonly process: string
      /** JSON text of an `Action`. */
      readonly action: string
      /**
       * Given: the outbox goes through the host's `checkOutbox` before the changes are installed.
       */
      readonly parent?: OutboxParent
    }
  | {
      /**
       * Evaluates the action in another module, opened on the state as it is: `ok`, and that takes
       * the instance's place; any error, and the instance goes on as it was. Answered by
       * `evaluated`, also where the module cannot be opened ('module-invalid') or is for another
       * engine ('upgrade-malformed'): such an error costs no gas.
       */
      readonly kind: 'upgrade'
      readonly process: string
      /** That on which the process was opened. */
      readonly level: number
      readonly module: ModuleSource
      readonly action: string
      readonly parent?: OutboxParent
    }
  | { readonly kind: 'snapshot'; readonly process: string }
  | { readonly kind: 'close'; readonly process: string }

export type EvaluatorReply =
  | { readonly kind: 'opened'; readonly memoryBytes: number }
  /**
   * `open` failed for the module's or the snapshot's sake, for everyone alike ('module-invalid',
   * 'state-not-json').
   */
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }
  /**
   * With a `parent` in the command, `messages` of an `ok` evaluation are those that `checkOutbox`
   * returned.
   */
  | { readonly kind: 'evaluated'; readonly evaluation: Evaluation; readonly memoryBytes: number }
  | { readonly kind: 'snapshot'; readonly text: string }
  | { readonly kind: 'closed' }
  /**
   * Not open here (any more): open again and repeat. Not this process's fault; an `open` too may be
   * lost with its worker. A sandbox also ends so when one message took much memory or work: its
   * repetition as the first message after `open` always gives a result.
   */
  | { readonly kind: 'lost' }
  /**
   * A fault of the node while this very command ran (wall clock, exhausted memory, a crash): no
   * result. `faults` counts consecutive ones of this process; from `faultsMax` on the caller should
   * stop the partition instead of repeating.
   */
  | {
      readonly kind: 'fault'
      readonly code: string
      readonly text: string
      readonly faults: number
      readonly exhausted: boolean
    }

export type EvaluatorFigures = {
  readonly workers: number
  /** Of these, how many have a thread now: an idle one is ended and started again on demand. */
  readonly workersRunning: number
  readonly open: number
  /** Bytes of all open instances as of their last replies, about. */
  readonly memoryBytes: number
  readonly commandsPending: number
  readonly workersLost: number
}

export type Evaluator = {
  /** Feature levels on which something can be opened. */
  readonly levels: readonly number[]
  /** One reply per command (E2). An empty batch resolves at once. */
  run(commands: readonly EvaluatorCommand[]): Promise<EvaluatorReply[]>
  figures(): EvaluatorFigures
  /** Ends the workers; runs under way reject with 'evaluator-closed'. */
  close(): Promise<void>
}

/** A trusted native contract: the same signature as `handle` in the sandbox, synchronous. */
export type NativeHandle = (
  state: Record<string, unknown>,
  action: unknown,
) => { state?: unknown; messages?: unknown; status?: unknown } | undefined

/** What a feature level evaluates with; natives are named by ModuleSource.source. */
export type EvaluatorLevel = {
  readonly level: number
  /** As genesis names it (`Genesis.sandbox`). */
  readonly sandbox: { readonly engine: string; readonly version: string }
  readonly natives: Readonly<Record<string, NativeHandle>>
}

/** What the rooms below inject into every worker. */
export type EvaluatorHost = {
  readonly levels: readonly EvaluatorLevel[]
  /**
   * Returns what goes out; throws an HbError to make the message an error result with that code.
   */
  readonly checkOutbox: (messages: readonly unknown[], parent: OutboxParent) => readonly unknown[]
}

/**
 * A worker imports `hostUrl` and calls its export `createHost(hostData)`: hostData must be
 * structured-cloneable.
 */
export type CreateHost = (hostData: unknown) => EvaluatorHost

/** Protocol limits are part of results; the others are this node's own and never change one. */
export type EvaluatorOptions = {
  readonly limits: EvaluationLimits
  /**
   * Commands accepted and not yet answered, over all workers; default 65,536. Beyond:
   * 'evaluator-full'.
   */
  readonly commandsPendingMax?: number
  /** Consecutive faults of one process after which `exhausted` is set; default 3. */
  readonly faultsMax?: number
}

export type InlineEvaluatorOptions = EvaluatorOptions & { readonly host: EvaluatorHost }

export type WorkerEvaluatorOptions = EvaluatorOptions & {
  readonly workers: number
  /**
   * URL of a module that exports `createHost: CreateHost` (file:, .ts under Node 24 or .js after
   * the build).
   */
  readonly hostUrl: string
  /** Of the host that it makes. */
  readonly levels: readonly number[]
  readonly hostData?: unknown
  /**
   * Wall clock for one command, ms; default 60,000. Longer: the worker is ended, the command is a
   * fault.
   */
  readonly commandMsMax?: number
  /**
   * How long a worker may hold no process before it is ended to give memory back; default 2,000.
   */
  readonly workerIdleMsMax?: number
  /** Module sources kept per worker; default 1,024. */
  readonly modulesMax?: number
}

// src/runtime/evaluator/inline.ts: createInlineEvaluator(options: InlineEvaluatorOptions):
// Promise<Evaluator> src/runtime/evaluator/workers.ts: createWorkerEvaluator(options:
// WorkerEvaluatorOptions): Promise<Evaluator>
