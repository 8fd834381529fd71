// What a node can tell: receipts, results, processes, states, entries and health, out of what its
// roles settled.
//
// Invariant: a state is read together with its row, from the store, so slot, hash and text are of
// one height.

import type { Log } from '../log/port.ts'
import { Records } from '../protocol/codec/records.ts'
import { stateAfter } from '../protocol/changes.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Result } from '../protocol/result.ts'
import type { TopicNames } from '../protocol/topics.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { DreService, OwnedPartition } from '../dre/index.ts'
import type { SequencerService } from '../sequencer/index.ts'
import { toBase64Url } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import type { EntryView, NodeHealth, Page, Part, PartitionHealth } from './api.ts'
import type { ProcessView, Receipt } from './api.ts'
import type { ResultView, StateView } from './api.ts'
import type { Ownership } from './ownership.ts'
import { tailEntries } from './tail.ts'
import { entryView, resultView } from './views.ts'

export type QueryOptions = {
  readonly network: Network
  readonly log: Log
  readonly clock: Clock
  readonly topics: TopicNames
  /** Undefined: not a role of this node. */
  readonly sequencer: SequencerService | undefined
  readonly dre: DreService | undefined
  readonly ownership: Ownership
}

export class NodeQueries {
  readonly #o: QueryOptions
  readonly #records = new Records()
  readonly #names: ReadonlyMap<string, string>
  /** Per partition, those who wait for more results. */
  readonly #more = new Map<number, Set<() => void>>()
  /** Per partition, how to end each that follows it. */
  readonly #tails = new Map<number, Set<() => void>>()

  constructor(options: QueryOptions) {
    this.#o = options
    const { processIds } = options.network
    this.#names = new Map([...processIds].map(([name, id]) => [id, name]))
  }

  /** New results of a partition are stored. */
  evaluated(partition: number): void {
    const waiting = this.#more.get(partition)
    if (waiting === undefined || waiting.size === 0) return
    for (const wake of [...waiting]) wake()
  }

  receipt(id: string): Receipt | undefined {
    const found = this.#o.sequencer?.find(id)
    if (found === undefined) return undefined
    const { height, timestamp, hash } = found.place
    return { partition: found.partition, height, hash: toBase64Url(hash), timestamp }
  }

  resultOf(messageId: string): ResultView | undefined {
    for (const [partition, owned] of this.#partitions()) {
      const height = owned.store.heightOf(messageId)
      const result = height === undefined ? undefined : owned.store.result(height)
      if (result !== undefined) return resultView(this.#o.network, partition, result)
    }
    return undefined
  }

  /** The processes of the partitions that are open here, by id. */
  part(options: Page = {}): Part {
    const ids: string[] = []
    const partitions: number[] = []
    for (const [partition, { ledger }] of this.#partitions()) {
      if (this.#o.ownership.of('dre', partition) !== 'open') continue
      partitions.push(partition)
      for (const [id, row] of ledger.rows) {
        const behind = options.after === undefined || id > options.after
        if (row.writtenSlot >= 0 && behind) ids.push(id)
      }
    }
    ids.sort()
    const page = ids.slice(0, options.limit ?? 100)
    return { processes: page.flatMap((id) => this.process(id) ?? []), partitions }
  }

  process(id: string): ProcessView | undefined {
    const { partition, owned } = this.#owner(id)
    const row = owned?.store.row(id)
    if (row === undefined) return undefined
    const name = this.#names.get(id)
    return {
      process: id,
      partition,
      ...(name !== undefined && { name }),
      slot: row.settledSlot,
      height: row.settledHeight,
      status: row.failed ? 'failed' : 'live',
      engine: row.engine,
      module: row.module,
      stateHash: toBase64Url(row.stateHash),
    }
  }

  state(id: string): StateView | undefined {
    const { owned } = this.#owner(id)
    const row = owned?.store.row(id)
    const saved = owned?.store.state(id)
    if (row === undefined || saved === undefined) return undefined
    const { snapshot, changes } = saved
    const text = changes.length === 0 ? snapshot : JSON.stringify(stateAfter(snapshot, changes))
    return { process: id, slot: row.settledSlot, stateHash: toBase64Url(row.stateHash), text }
  }

  results(id: string, from: number, limit: number): ResultView[] {
    const { partition, owned } = this.#owner(id)
    if (owned === undefined) return []
    return owned.store.heights(id, from, limit).flatMap((height): ResultView[] => {
      const result: Result | undefined = owned.store.result(height)
      return result === undefined ? [] : [resultView(this.#o.network, partition, result)]
    })
  }

  /** Ends by the signal, or when the partition's DRE moves away from here. */
  async *tail(partition: number, from: number, signal: AbortSignal): AsyncIterable<EntryView> {
    const { network, log, topics } = this.#o
    const stop = new AbortController()
    const end = (): void => stop.abort()
    const tails = this.#tails.get(partition) ?? new Set()
    this.#tails.set(partition, tails)
    tails.add(end)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    const store = () => this.#o.dre?.owned(partition)?.store
    const source = { network, log, topic: topics.log, records: this.#records, partition }
    const options = {
      ...source,
      evaluated: (height: number) => store()?.result(height)?.entryHash,
      evaluatedTo: () => store()?.position()?.view.height ?? -1,
      more: (waitMs: number, signal: AbortSignal) => this.#awaitMore(partition, waitMs, signal),
      signal: stop.signal,
    }
    try {
      for await (const entry of tailEntries(options, from)) yield entryView(entry)
    } finally {
      signal.removeEventListener('abort', end)
      tails.delete(end)
    }
  }

  /** The DRE's partition goes to another member: who follows it here must ask there. */
  left(partition: number): void {
    for (const end of this.#tails.get(partition) ?? []) end()
  }

  health(): NodeHealth {
    const { network, log, sequencer, dre, ownership } = this.#o
    const partitions = Array.from({ length: network.genesis.partitions }, (_, partition) => {
      const halted = ownership.halt(partition)
      const standbyLag = ownership.standbyLag(partition)
      const awaited = sequencer?.schemaAwaited(partition)
      const owned = dre?.owned(partition)
      const view: PartitionHealth = {
        partition,
        height: sequencer?.height(partition) ?? -1,
        evaluated: owned?.store.position()?.view.height ?? -1,
        sequencer: ownership.of('sequencer', partition),
        dre: ownership.of('dre', partition),
        relayer: ownership.of('relayer', partition),
        ...(owned && { featureLevel: owned.level.now }),
        ...(standbyLag && { standbyLag }),
        ...(halted && { halted }),
        ...(awaited && { schemaAwaited: { code: awaited.code, text: String(awaited) } }),
      }
      return view
    })
    const { roles } = ownership
    const ready = ownership.ready()
    const levels = dre && { featureLevels: dre.levels }
    return { network: network.id, log: log.describe(), roles, ...levels, ready, partitions }
  }

  async #awaitMore(partition: number, waitMs: number, signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    const wake = (): void => stop.abort()
    const waiting = this.#more.get(partition) ?? new Set()
    this.#more.set(partition, waiting)
    waiting.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    await this.#o.clock.sleep(waitMs, stop.signal)
    signal.removeEventListener('abort', wake)
    waiting.delete(wake)
  }

  #owner(id: string): { partition: number; owned: OwnedPartition | undefined } {
    const partition = partitionOf(id, this.#o.network.genesis.partitions)
    return { partition, owned: this.#o.dre?.owned(partition) }
  }

  *#partitions(): Iterable<[number, OwnedPartition]> {
    for (let partition = 0; partition < this.#o.network.genesis.partitions; partition++) {
      const owned = this.#o.dre?.owned(partition)
      if (owned !== undefined) yield [partition, owned]
    }
  }
}
