// The DRE's ledger of one partition, pure: which slot an entry gets, what its outcome makes of the
// process, and which numbers its messages get in their channels (R3, R5, R6).
//
// `place` is asked for every accepted entry in order of height, ahead of the evaluation; `settle`
// takes the outcomes in the same order. Invariants: D1 slots count the entries of a process, D2
// channel numbers are given in order of height and index, to all but events. D3 results depend on
// entries and outcomes alone.

import type { Entry } from '../protocol/entry.ts'
import type { EngineName, Network } from '../protocol/genesis.ts'
import type { Content } from '../protocol/message.ts'
import type { Outgoing, Result } from '../protocol/result.ts'
import { EMPTY_STATE_HASH, stateHash } from '../protocol/state-hash.ts'
import { targetProcess } from '../protocol/target.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { ModuleRef } from '../protocol/module-ref.ts'
import type { Outcome, Plan } from '../protocol/transition.ts'
import { carriedModule, markUnknown } from '../protocol/module-ref.ts'
import { prepare, slotOf } from '../protocol/transition.ts'

/**
 * A process in the ledger. `slot` runs ahead of `settledSlot` while it is evaluated, and that of
 * `writtenSlot`.
 */
export type LedgerRow = {
  readonly process: string
  /** Place in the order of spawns of the partition, from 0. */
  readonly ordinal: number
  slot: number
  settledSlot: number
  settledHeight: number
  /** Up to here the store holds it. */
  writtenSlot: number
  stateHash: Uint8Array
  failed: boolean
  engine: EngineName
  /** As of `settledSlot`: an upgrade changes it. */
  module: string
}

/** An entry with the slot it got; `row` is undefined before its process's spawn. */
export type Placed = {
  readonly entry: Entry
  readonly slot: number
  readonly row: LedgerRow | undefined
  /** The module that the entry makes known. */
  readonly carried: ModuleRef | undefined
}

export class Ledger {
  readonly #network: Network
  readonly #partition: number
  readonly rows = new Map<string, LedgerRow>()
  /**
   * D4 modules that entries of this partition made known, by hash, with the height of the first: a
   * function of the entries alone, whatever came of them.
   */
  readonly known = new Map<string, number>()
  /** Per target partition: the last number given in the channel. */
  readonly outgoing: number[]

  constructor(network: Network, partition: number) {
    this.#network = network
    this.#partition = partition
    this.outgoing = new Array<number>(network.genesis.partitions).fill(0)
  }

  /** Takes in what was settled before, as a store kept it. */
  load(
    rows: Iterable<LedgerRow>,
    outgoing: readonly number[],
    known: Iterable<readonly [string, number]>,
  ): void {
    for (const [hash, height] of known) this.known.set(hash, height)
    const list = [...rows].sort((a, b) => a.ordinal - b.ordinal)
    for (const row of list) this.rows.set(row.process, row)
    outgoing.forEach((seq, partition) => {
      this.outgoing[partition] = seq
    })
  }

  /** The module that the entry makes known, taken in; for one that is not to be evaluated, too. */
  note(entry: Entry): ModuleRef | undefined {
    const carried = carriedModule(this.#network, entry.message)
    if (carried !== undefined && !this.known.has(carried.hash)) {
      // kept for as long as the partition: not as a part of its message's text
      this.known.set(Buffer.from(carried.hash).toString(), entry.height)
    }
    return carried
  }

  /** As of an entry: what is placed runs ahead of what is settled. */
  isKnown(hash: string, height: number): boolean {
    return (this.known.get(hash) ?? Infinity) <= height
  }

  /** Gives the entry its slot. */
  place(entry: Entry): Placed {
    const { message } = entry
    let row = this.rows.get(message.process)
    const slot = slotOf(row, message)
    if (row !== undefined) row.slot = slot
    else if (message.kind === 'spawn') {
      row = this.#newRow(message.process)
      this.rows.set(message.process, row)
    }
    return { entry, slot, row, carried: this.note(entry) }
  }

  /** What is to be done for a placed entry, by what its process is now. */
  plan({ entry, slot, row }: Placed): Plan {
    // the row as it was before this entry: a spawn at slot 0 had none
    const before = row === undefined || slot === 0 ? undefined : { ...row, slot: slot - 1 }
    return prepare(this.#network, before, entry, (hash) => this.isKnown(hash, entry.height))
  }

  /**
   * The result of a placed entry; moves the process and the channels. Call in order of height.
   * `module`: what a spawn or an upgrade that succeeded opened.
   */
  settle(placed: Placed, outcome: Outcome, module?: { engine: EngineName; hash: string }): Result {
    const { entry, slot, row } = placed
    const { message } = entry
    const hash =
      row === undefined
        ? EMPTY_STATE_HASH
        : stateHash(row.stateHash, {
            messageId: message.id,
            digest: message.digest,
            status: outcome.status,
            changes: outcome.changes,
            snapshot: outcome.snapshot,
          })
    if (row !== undefined) this.#move(row, placed, outcome, hash, module)
    return {
      height: entry.height,
      entryHash: entry.hash,
      messageId: message.id,
      process: message.process,
      slot,
      status: outcome.status,
      code: outcome.code,
      text: outcome.text,
      gas: outcome.gas,
      stateHash: hash,
      messages: outcome.messages.map((content, index) =>
        this.#number(entry, index, this.#marked(entry, content)),
      ),
    }
  }

  #move(
    row: LedgerRow,
    { entry, slot }: Placed,
    outcome: Outcome,
    hash: Uint8Array,
    module: { engine: EngineName; hash: string } | undefined,
  ): void {
    row.settledSlot = slot
    row.settledHeight = entry.height
    // kept for as long as the process lives: not as a view of a pool that it would keep with it
    row.stateHash = Uint8Array.prototype.slice.call(hash)
    if (slot === 0) row.failed = outcome.status === 'error'
    if (module === undefined || outcome.status === 'error') return
    row.engine = module.engine
    row.module = module.hash
  }

  #marked({ height }: Entry, content: Content): Content {
    if (content.kind !== 'spawn') return content
    return markUnknown(this.#network, content, (hash) => this.isKnown(hash, height))
  }

  #number(entry: Entry, index: number, content: Content): Outgoing {
    if (content.kind === 'event') return { ...content, seq: 0 }
    const target = this.#targetPartition(entry, index, content)
    const seq = (this.outgoing[target] ?? 0) + 1
    this.outgoing[target] = seq
    return { ...content, seq }
  }

  #targetPartition({ height, message }: Entry, index: number, content: Content): number {
    const { id, genesis } = this.#network
    const source = { caller: message.process, partition: this.#partition, height, index }
    const process = targetProcess(id, source, content)
    return partitionOf(process, genesis.partitions)
  }

  #newRow(process: string): LedgerRow {
    return {
      process,
      ordinal: this.rows.size,
      slot: 0,
      settledSlot: -1,
      writtenSlot: -1,
      settledHeight: -1,
      stateHash: EMPTY_STATE_HASH,
      failed: false,
      engine: 'quickjs',
      module: '',
    }
  }
}
