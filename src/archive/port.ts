// The archive port: signed items that are kept for ever, found again by their tags and read by
// their id. An item is written whole or not at all, and nothing that was written is changed.
// Owners: adapters (file/, arweave/); test/archive/conformance.ts is the one suite that each must
// pass.
//
// Invariants every adapter keeps:
//   A1  `post` resolves when the item is durable at the level and `find` shows it; posting the same
//       prepared item again is the same as posting it once.
//   A2  what `read` gives is what was prepared, byte for byte, or it throws `archive-item-altered`:
//       an id is the hash of a signature over everything.
//   A3  `find` shows each item that was posted once, whatever was posted meanwhile; what lies there
//       torn or renamed it shows too, with its flaw.
//   A4  nothing is kept in memory that grows with the archive's items, but their ids and tags.

import type { DataItemFields, Tag } from '../protocol/ans104/index.ts'

/** `accepted`: the archive has it. A number: so many confirmations, where there are such. */
export type Durability = 'accepted' | number

/** What is to be kept: tags in their order, and data. */
export type Upload = { readonly tags: readonly Tag[]; readonly data: Uint8Array }

/** A signed item before its first byte is posted: what is written down, and posted again. */
export type Prepared = { readonly id: string; readonly bytes: Uint8Array }

export type PostOptions = {
  /** Ends the wait: the item may be durable all the same. */
  readonly signal?: AbortSignal
  /**
   * Where what was prepared can never become durable any more: what is posted instead, with the
   * same tags and data. Awaited before its first byte is posted.
   */
  readonly onReplaced?: (by: Prepared) => Promise<void>
}

/** An item as it is found: not yet read, and not yet believed. */
export type Found = {
  readonly id: string
  /** Address of its signer; not verified. */
  readonly owner: string
  readonly tags: readonly Tag[]
  readonly bytes: number
  /** Where it lies, for people. */
  readonly place: string
  /** Why it cannot be what was written, where that shows already. */
  readonly flaw?: string
}

/** Read and verified. */
export type Kept = {
  readonly id: string
  readonly owner: string
  readonly tags: readonly Tag[]
  readonly data: Buffer
}

/** What signs for an archive: a `Wallet` is one. */
export type Signer = {
  readonly address: string
  sign(fields: DataItemFields): Buffer
}

/**
 * Errors: `archive-absent`, `archive-write-failed`, `archive-item-altered`; of Arweave besides:
 * `archive-gateway-failed`, `archive-post-refused`, `archive-fee-high`, `archive-balance-low`,
 * `archive-item-too-large`, `archive-wallet-refused`; whatever signs, without a signer:
 * `archive-read-only`.
 */
export type Archive = {
  /** Address of who signs what is written here; undefined: it is only read. */
  readonly address: string | undefined
  /** A data item of the archive's signer, to be part of what is uploaded. */
  signItem(fields: DataItemFields): Buffer
  /** Signs; nothing is written yet. */
  prepare(upload: Upload): Promise<Prepared>
  post(prepared: Prepared, durability: Durability, options?: PostOptions): Promise<void>
  /**
   * Items that have all of these tags; of those that are torn, all that may have had them.
   * `owners`: what others signed need not be found.
   */
  find(tags: readonly Tag[], owners?: readonly string[]): AsyncIterable<Found>
  /** Throws `archive-absent` where there is none of this id. */
  read(id: string): Promise<Kept>
  /** In words, for people. */
  describe(): string
  close(): Promise<void>
}
