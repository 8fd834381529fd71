// The store port: an ordered map of text keys to bytes, local to one node, with atomic batches.
// Everything in it can be rebuilt from the log, except what its owner says otherwise.
//
// Invariants: S1 a batch is atomic. S2 after `write` resolved, `get` and `range` see it. S3 keys
// are ordered by UTF-8 bytes. S4 with `durable`, a resolved write survives power loss; without, it
// survives a crash of the OS process.

export type StoreOp =
  | { readonly key: string; readonly value: Uint8Array }
  | { readonly key: string; readonly value: null }

export type RangeOptions = {
  /** Inclusive lower bound. */
  readonly from: string
  /** Exclusive upper bound. */
  readonly to: string
  readonly limit?: number
  /** From the greatest key below `to` down to `from`. */
  readonly reverse?: boolean
}

export type Store = {
  /** The value, or undefined. The bytes stay valid (they are a copy, or never reused). */
  get(key: string): Uint8Array | undefined
  range(options: RangeOptions): Iterable<{ readonly key: string; readonly value: Uint8Array }>
  /** A null value deletes. Later ops of a batch win over earlier ones on the same key. */
  write(ops: readonly StoreOp[]): Promise<void>
  close(): Promise<void>
}
