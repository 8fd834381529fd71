// Shapes of the records that are neither messages, entries nor results:
// schemas/{claim,head,module,snapshot,manifest,network}.

/** A sequencer's mark in the log (R2): no entry. */
export type Claim = {
  readonly member: string
  readonly generation: number
  readonly nonce: string
}

/** A partition's settled end, in `registry`. */
export type Head = {
  readonly partition: number
  readonly height: number
  readonly hash: Uint8Array
  readonly timestamp: number
  readonly counters: readonly number[]
}

/** What network the topics are of, in `registry`: the genesis document's text as bytes. */
export type NetworkRecord = { readonly network: string; readonly genesis: Uint8Array }

export type ModuleRecord = { readonly engine: string; readonly source: string }

/** One part of a state (`full`) or of a delta at an interval's end. */
export type SnapshotPart = {
  readonly process: string
  readonly height: number
  readonly slot: number
  readonly full: boolean
  readonly part: number
  readonly parts: number
  readonly text: Uint8Array
}

export type ManifestProcess = {
  readonly process: string
  readonly slot: number
  readonly stateHash: Uint8Array
  readonly failed: boolean
  readonly engine: string
  readonly module: string
  readonly fullHeight: number
  readonly fullHash: Uint8Array
  readonly deltaHeights: readonly number[]
  readonly deltaHash: Uint8Array
}

/**
 * One part of a manifest (R8); every part repeats the head, and the processes are cut over the
 * parts.
 */
export type ManifestPart = {
  readonly partition: number
  readonly height: number
  readonly hash: Uint8Array
  readonly timestamp: number
  readonly counters: readonly number[]
  readonly outgoing: readonly number[]
  readonly root: Uint8Array
  readonly indexHash: Uint8Array | null
  readonly offsetHint: number
  readonly part: number
  readonly parts: number
  readonly processes: readonly ManifestProcess[]
  /** Hashes of the modules that are known in the partition, sorted, cut over the parts too. */
  readonly modules?: readonly string[]
}
