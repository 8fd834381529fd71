// The log port: topics of partitions of records, as Kafka has them. Partitions, not messages, are
// its unit.
// Owners: adapters in memory/, embedded/, kafka/; test/log/conformance.ts is the one suite that
// each must pass.
//
// Invariants every adapter keeps:
//   L1  an append is atomic and contiguous: all its records at consecutive offsets, or (refused)
//       none.
//   L2  an append that resolved is durable as the adapter promises, and visible to every later
//       read.
//   L3  offsets of a partition only grow; holes (compaction, trimming) are visible as jumps of
//       `offset`, never hidden.
//   L4  of all members of one group, one at a time is assigned a partition, and it has it for all
//       the group's topics.
//   L5  a member gets a partition's batches in order; the adapter commits a batch only after its
//       promise and those of all batches before it resolved.
//   L6  a position is never reset silently: out of range is an error with a code.

/** Keys are UTF-8 text; a null value in a compacted topic is a tombstone. */
export type LogRecord = {
  readonly key: string | null
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * `timestamp`: ms at the append, by the log's clock. `value` may be a view of a shared buffer:
 * treat as read-only. `key` and `headers` may be decoded when they are asked for: a copy is made
 * field by field, not by spreading.
 */
export type StoredRecord = LogRecord & {
  readonly offset: number
  readonly timestamp: number
  /** One header without decoding the others, where a log can do so; else it is in `headers`. */
  header?(name: string): string | undefined
}

export type TopicSpec = {
  readonly name: string
  readonly partitions: number
  /** `log`: kept until trimmed. `compact`: at least the newest record of each key is kept. */
  readonly cleanup: 'log' | 'compact'
  /** Records older than this may go, where the log can tell; default: kept until trimmed. */
  readonly retentionMs?: number
}

export type ProvisionOptions = {
  /** Default true. */
  readonly create?: boolean
}

export type ReadOptions = {
  /** Stop before this offset (default: the end at the time of the read). */
  readonly to?: number
  /** At least one record is returned if there is one, whatever its size. Default 1 MiB. */
  readonly bytesMax?: number
  /** With nothing to return, wait this long for a record. Default 0. */
  readonly waitMs?: number
  /** Ends the wait early: the read resolves with no records, it does not throw. */
  readonly signal?: AbortSignal
}

/** `next` is the offset to read from afterwards (it passes holes at the end of what was read). */
export type ReadResult = { readonly records: readonly StoredRecord[]; readonly next: number }

/** `start`: the first offset retained; `end`: the next to be written. */
export type PartitionEnds = { readonly start: number; readonly end: number }

/**
 * One delivery. `records` is never empty and comes from one topic and partition, in offset order.
 */
export type Batch = {
  readonly topic: string
  readonly partition: number
  readonly records: readonly StoredRecord[]
  /** The offset after the batch: what will be committed. */
  readonly next: number
}

/**
 * What a consumer implements. Calls for one partition never overlap with `assigned` or `revoked` of
 * the same one; but an adapter may bound how long it waits for a member that gives a partition up:
 * after that it is fenced (`owns` is false and nothing it settles is committed) and the partition
 * moves on. If it comes back to that member, `assigned` is called only when `revoked` has resolved.
 */
export type Member = {
  /**
   * A partition is now this member's. `committed`: the group's position per topic, undefined where
   * it has none. Returns where to start per topic (an explicit offset, or 'earliest' for the
   * earliest retained record). What lies below an offset has had its effects: where it is beyond
   * the committed position, and not beyond the topic's end, it is committed.
   */
  assigned(
    partition: number,
    committed: Readonly<Record<string, number | undefined>>,
  ): Promise<Readonly<Record<string, number | 'earliest'>>>
  /**
   * Resolves when the batch's effects are durable. Up to `inFlight` batches of a topic-partition
   * are outstanding.
   */
  records(batch: Batch): Promise<void>
  /** The partition is gone or going: resolve when nothing more will be written for it. */
  revoked(partition: number): Promise<void>
  /**
   * Of which partitions this member is to keep a warm copy now (see `standbys`); what was named
   * before and is not now is no longer asked for. Called at every change, never for a partition
   * that it is assigned; a partition leaves this list before it is assigned.
   */
  standby?(partitions: readonly number[]): void
  /**
   * Partitions whose state this member has locally, and how many records that is behind the log's
   * end: whom the group prefers. Synchronous and cheap; asked for at every rebalance and oftener.
   */
  holds?(): ReadonlyMap<number, number>
  /**
   * `records` or `assigned` threw: the partition is halted (it gets no more batches); others go on.
   */
  halted?(partition: number, error: unknown): void
}

export type JoinOptions = {
  readonly group: string
  /** Co-partitioned topics: one member gets the same partition number of all of them. */
  readonly topics: readonly string[]
  readonly member: Member
  /** Where others reach the program that this member is part of: a URL, seen in `members`. */
  readonly address?: string
  /**
   * Warm copies that the group keeps of each partition, on other members than its owner; a
   * partition is then moved, where it can wait, only to a member that is warm. Default 0. The
   * largest number that a member asks for holds.
   */
  readonly standbys?: number
  /** Outstanding batches per topic and partition. Default 2. */
  readonly inFlight?: number
  /** Records per batch at most. Default 500. */
  readonly batchRecordsMax?: number
  /** Bytes of values per batch at most (one record always passes). Default 1 MiB. */
  readonly batchBytesMax?: number
}

/** Of a group, as its log knows it now. */
export type GroupMember = {
  readonly memberId: string
  readonly address: string | undefined
  readonly partitions: readonly number[]
  readonly standbys: readonly number[]
}

export type Membership = {
  readonly memberId: string
  /** The group's generation: grows with every rebalance. */
  generation(): number
  /**
   * Asks the group (not a local memory of it) whether this member still owns the partition: true
   * until `revoked` resolved.
   */
  owns(partition: number): Promise<boolean>
  /** Ends deliveries, waits for outstanding batches, commits, gives the partitions up. */
  leave(): Promise<void>
}

/**
 * At most ten methods. Errors: `log-append-refused`, `log-append-unclear`,
 * `log-position-out-of-range`, `log-closed`.
 */
export type Log = {
  /**
   * Creates what is missing (`create: false`: throws `log-topic-unknown` for it instead); throws
   * `log-topic-mismatch` where an existing topic differs from its spec.
   */
  provision(topics: readonly TopicSpec[], options?: ProvisionOptions): Promise<void>
  /** One atomic, durable record batch; resolves with its base offset. */
  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number>
  read(topic: string, partition: number, from: number, options?: ReadOptions): Promise<ReadResult>
  ends(topic: string): Promise<readonly PartitionEnds[]>
  /**
   * Deletes records below `before`; only `cleanup: 'log'` topics. A `before` below the start does
   * nothing.
   */
  trim(topic: string, partition: number, before: number): Promise<void>
  /** The member's first call comes after this resolved, so that it has its membership then. */
  join(options: JoinOptions): Promise<Membership>
  /**
   * The group's committed position per partition, as far as it is durable; undefined where none.
   */
  committed(group: string, topic: string): Promise<readonly (number | undefined)[]>
  /** Who is in the group, and who has which partitions; of other programs too, so it may be old. */
  members(group: string): Promise<readonly GroupMember[]>
  /** In words, for people: "embedded log in DIR", "memory log". */
  describe(): string
  close(): Promise<void>
}
