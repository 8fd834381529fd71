// The runtime port: contracts are opened, evaluated and closed here. Synchronous, because it runs
// inside a worker thread (or, for tests, inline); evaluator.ts is the asynchronous side that
// spreads processes over workers.
//
// Invariants: V1 a result is a function of (state, action, module, limits) alone, gas included
// (R4): closing and reopening at any point changes no byte of any later result. V2 after status
// `error` the state is byte for byte as it was. V3 nothing the contract keeps outside its state
// survives a message.

/** What `handle` sees as its second argument; the host passes it as JSON text. */
export type { Action } from '../lib/index.ts'

/**
 * Protocol limits (genesis): part of every result. See protocol/limits.ts for defaults and error
 * codes.
 */
export type EvaluationLimits = {
  readonly gasMax: number
  readonly stateBytesMax: number
  readonly stateDepthMax: number
  /** Bytes of the JSON text that a message's result (messages and changes) may have. */
  readonly outputBytesMax: number
  readonly pendingPromisesMax: number
}

export type ModuleSource = {
  /**
   * 'native' modules are named by `source` in the native registry; 'quickjs' ones are script text,
   * 'smartweave' ones the text of a contract as it was published for SmartWeave.
   */
  readonly engine: 'native' | 'quickjs' | 'smartweave'
  /** base64url of SHA-256 of the source's bytes. */
  readonly hash: string
  readonly source: string
}

export type Evaluation =
  | {
      readonly status: 'ok'
      readonly gas: number
      /**
       * Canonical JSON text of changes(n), R6; see protocol/changes.ts. '[]' when nothing changed.
       */
      readonly changes: string
      /**
       * What the contract returned as `messages`, JSON.parse'd, or what `check` made of it: [] when
       * none.
       */
      readonly messages: readonly unknown[]
      /**
       * The size of the state after it, as stateBytesMax counts (stateSize of protocol/changes.ts).
       */
      readonly stateBytes: number
    }
  | {
      readonly status: 'error'
      readonly gas: number
      /**
       * 'contract-error' (a throw or a returned status), 'gas-exhausted', 'state-not-json',
       * 'state-too-large', …
       */
      readonly code: string
      /** At most 512 UTF-16 units, a function of state, action and module. */
      readonly text: string
    }

/**
 * Called between the contract's end and the installation of its changes: gives what goes out, or
 * throws an HbError to turn the message into an error result (outbox limits are checked there, so
 * that "what a result emits is always admissible").
 */
export type CheckMessages = (messages: readonly unknown[]) => readonly unknown[]

/**
 * The instance can evaluate no more, for no fault of the message: open the process again and
 * repeat.
 */
export class SandboxSpent extends Error {}

export type Instance = {
  /**
   * Throws SandboxSpent, or HbError 'evaluation-fault' for a fault of the node: no result, the
   * instance is dead.
   */
  evaluate(actionJson: string, check?: CheckMessages): Evaluation
  /**
   * As evaluate, of a module that takes a state over: calls what it exports as `migrate`, or
   * nothing where it has none. For an instance that has evaluated nothing before.
   */
  migrate(actionJson: string, check?: CheckMessages): Evaluation
  /** JSON.stringify(state). */
  snapshot(): string
  /** Bytes of memory this instance holds, about. */
  memoryBytes(): number
  close(): void
}

export type Runtime = {
  /**
   * `snapshot` is JSON.stringify(state); `changes`: change texts to apply in order after it (a
   * local journal). Throws HbError 'module-invalid', 'state-not-json', 'state-too-large': the same
   * for everyone who opens it.
   */
  open(
    module: ModuleSource,
    snapshot: string,
    limits: EvaluationLimits,
    changes?: readonly string[],
  ): Instance
  close(): void
}
