// One partition of the log into the archive, segment after segment.
//
// Owners: sink.ts makes one per assigned partition. Invariants: S1 a batch's promise resolves only
// when all of it is in durable segments, or is no entry. S2 a signed segment is written down before
// it is posted, and posted until it is durable; then it is forgotten. S3 the next segment begins
// where the archive ends, as found in the archive itself. S4 entries are gathered within the gate,
// and never kept between two tries: memory is the gate's. S5 what fails for a while is tried again;
// what will not mend fails the task, and nothing of the partition is committed any more.

import type {
  Archive,
  Batch,
  Clock,
  Durability,
  Listed,
  Log,
  Network,
  OrderCodec,
  Prepared,
  Records,
  Store,
  StoredRecord,
  View,
} from '../../src/index.ts'
import {
  chainEnd,
  copyView,
  endsOf,
  HbError,
  initialView,
  listSegments,
  LogReader,
  SegmentWriter,
} from '../../src/index.ts'
import { asHbError } from './failure.ts'
import type { Gate } from './gate.ts'
import type { SinkLimits } from './limits.ts'
import { placeBehind } from './log-place.ts'
import type { PendingSegment } from './pending.ts'
import { Pending } from './pending.ts'
import { retried } from './retried.ts'

export type TaskOptions = {
  readonly network: Network
  readonly log: Log
  readonly topic: string
  readonly partition: number
  readonly archive: Archive
  readonly durability: Durability
  /** Durable. */
  readonly store: Store
  readonly records: Records
  readonly orders: OrderCodec
  readonly clock: Clock
  readonly limits: SinkLimits
  readonly gate: Gate
  /** While it says so, nothing is begun; what was begun is not tried again either. */
  readonly isPaused: () => boolean
  /** Called when a segment is durable. */
  readonly onArchived: (from: number, to: number, id: string, bytes: number) => void
  /** Called when something failed that is tried again. */
  readonly onRetried: (error: HbError) => void
  /**
   * A record that no reader can take for an entry or a claim, before anything behind it is
   * committed. What it throws is as if the archive had thrown it.
   */
  readonly onPoison: (record: StoredRecord) => Promise<void>
  /** It goes no further; whether or not a batch is outstanding. */
  readonly onFailed: (error: HbError) => void
}

export type TaskState = {
  readonly state: 'RUNNING' | 'FAILED'
  /** Last height in the archive. */
  readonly height: number
  /** What is tried again, or failed for good. */
  readonly error?: HbError
}

/** Where the archive ends, and the log goes on. */
type Place = { readonly view: View; readonly previous: string | undefined; readonly next: number }
/** A batch that was handed out, by the offset behind it. */
type Waiting = {
  readonly next: number
  readonly resolve: () => void
  readonly reject: (error: HbError) => void
}
/** `next`: the offset behind the last entry taken; `end`: behind what was read. */
type Gathered = {
  readonly writer: SegmentWriter
  readonly next: number
  readonly end: number
}

export class PartitionTask {
  readonly #o: TaskOptions
  readonly #pending: Pending
  readonly #stop = new AbortController()
  readonly #waiting: Waiting[] = []
  readonly #done: Promise<void>
  #wake = new AbortController()
  /** Segments that the archive has beyond a hole: they are not written again. */
  #beyond: readonly Listed[] = []
  /** What was signed and written down, and is not known to be durable; and where it leads. */
  #begun: { readonly pending: PendingSegment; readonly place: Place } | undefined
  #archivedNext = 0
  /** Below it, what is no entry was told. */
  #toldNext = 0
  #height = -1
  /** What is tried again now; or, once it has failed, why. */
  #error: HbError | undefined
  #failed: HbError | undefined

  constructor(options: TaskOptions, committed: number | undefined) {
    this.#o = options
    this.#pending = new Pending(options.store, options.network.id, options.partition)
    this.#done = this.#run(committed).catch((error: unknown) => this.#fail(error))
  }

  get state(): TaskState {
    const error = this.#error
    const state = this.#failed === undefined ? 'RUNNING' : 'FAILED'
    return { state, height: this.#height, ...(error !== undefined && { error }) }
  }

  batch({ next }: Batch): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed)
    if (next <= this.#archivedNext) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ next, resolve, reject })
      this.#wake.abort()
    })
  }

  /** Ends what is under way as soon as it can; the next owner does what is not durable. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    for (const { reject } of this.#waiting.splice(0)) reject(new HbError('partition-lost'))
    await this.#done
  }

  async #run(committed: number | undefined): Promise<void> {
    let place = await this.#again(() => this.#open(committed))
    /** When entries began to wait for their segment, and below which offset it cannot be full. */
    let sinceMs: number | undefined
    let wanted = 0
    while (!this.#stop.signal.aborted) {
      await this.#whilePaused()
      const isDue = this.#isDue(sinceMs)
      const end = await this.#again(() => this.#end())
      if (end <= place.next || (!isDue && end < wanted)) {
        await this.#rest(sinceMs)
        continue
      }
      const before = place
      const gathering = (): Promise<Place | Gathered> => this.#archive(before, isDue)
      const outcome = await this.#o.gate.within(this.#stop.signal, () => this.#again(gathering))
      if ('previous' in outcome) {
        place = outcome
        sinceMs = undefined
        wanted = 0
        this.#settle(place)
        continue
      }
      sinceMs ??= this.#o.clock.now()
      wanted = outcome.end + this.#heightsLeft(place.view) - outcome.writer.length
    }
  }

  #isDue(sinceMs: number | undefined): boolean {
    return sinceMs !== undefined && this.#o.clock.now() - sinceMs >= this.#o.limits.flushDelayMsMax
  }

  #heightsLeft({ height }: View): number {
    const { heightsMax } = this.#o.limits
    return heightsMax - ((height + 1) % heightsMax)
  }

  async #whilePaused(): Promise<void> {
    const { clock, limits, isPaused } = this.#o
    const { signal } = this.#stop
    while (isPaused() && !signal.aborted) await clock.sleep(limits.pollDelayMs, signal)
  }

  async #end(): Promise<number> {
    const { log, topic, partition } = this.#o
    return (await endsOf(log, topic, partition)).end
  }

  async #rest(sinceMs: number | undefined): Promise<void> {
    const { clock, limits } = this.#o
    const dueMs = sinceMs === undefined ? Infinity : sinceMs + limits.flushDelayMsMax - clock.now()
    if (this.#stop.signal.aborted) return
    await clock.sleep(Math.max(1, Math.min(limits.pollDelayMs, dueMs)), this.#wake.signal)
    this.#wake = new AbortController()
  }

  /** Where the archive ends, by the archive; what was being posted is posted first. */
  async #open(committed: number | undefined): Promise<Place> {
    const { network, partition, archive, records, orders } = this.#o
    const pending = this.#pending.read()
    const except = pending?.prepared.id
    const owners = this.#owners()
    const { segments } = await listSegments(archive, { network, partition }, owners)
    const from = { archive, network, partition, owners, ...(except !== undefined && { except }) }
    const end = await chainEnd({ ...from, records, orders })
    let view = end?.view ?? initialView(network.id, partition, network.genesis.partitions)
    let previous = end?.id
    if (pending !== undefined && pending.from === view.height + 1) {
      previous = await this.#post(pending)
      view = pending.view
    } else if (pending !== undefined) await this.#pending.remove()
    const { height } = view
    this.#beyond = segments.filter(({ found, range }) => {
      return range.from > height && found.id !== except
    })
    const next = await placeBehind({ ...this.#o, signal: this.#stop.signal }, view, committed)
    const place = { view, previous, next }
    this.#settle(place)
    return place
  }

  #owners(): string[] {
    const { address } = this.#o.archive
    return address === undefined ? [] : [address]
  }

  /** One segment made durable; or what was gathered, where that is not yet a segment. */
  async #archive(place: Place, isDue: boolean): Promise<Place | Gathered> {
    const { archive } = this.#o
    const begun = this.#begun
    if (begun !== undefined) {
      return { ...begun.place, previous: await this.#post(begun.pending) }
    }
    const gathered = await this.#gather(place)
    const { writer, next, end } = gathered
    // claims, repeats and late writes are no entries, and have had all the effect that they have
    if (writer.length === 0) return { ...place, next: end }
    if (!writer.full && !isDue) return gathered
    const head = writer.head()
    const { from, to, root } = head
    const view = writer.after
    const there = this.#beyond.find(({ range }) => {
      return range.from === from && range.to === to && Buffer.from(range.root).equals(root)
    })
    if (there !== undefined) return { view, previous: there.found.id, next }
    const prepared = await archive.prepare(writer.upload(archive, head, place.previous))
    const pending = { prepared, from, view }
    const after = { view, previous: prepared.id, next }
    await this.#pending.write(pending)
    this.#begun = { pending, place: after }
    return { ...after, previous: await this.#post(pending) }
  }

  /** The same signed bytes until they are durable, or what replaces them; the id of that. */
  async #post(begun: PendingSegment): Promise<string> {
    const { archive, durability, onArchived } = this.#o
    let pending = begun
    const onReplaced = async (prepared: Prepared): Promise<void> => {
      await this.#pending.write({ ...begun, prepared })
      pending = { ...begun, prepared }
      if (this.#begun !== undefined) this.#begun = { ...this.#begun, pending }
    }
    await archive.post(pending.prepared, durability, { signal: this.#stop.signal, onReplaced })
    await this.#pending.remove()
    this.#begun = undefined
    const { id, bytes } = pending.prepared
    onArchived(begun.from, begun.view.height, id, bytes.length)
    return id
  }

  async #gather({ view: before, next: from }: Place): Promise<Gathered> {
    const { network, log, topic, partition, records, orders, limits } = this.#o
    const writer = new SegmentWriter({ network, records, orders, limits, before })
    const reader = new LogReader(network, records, copyView(before))
    let next = from
    let expected = from
    const { end } = await endsOf(log, topic, partition)
    while (expected < end && !writer.full) {
      const read = await log.read(topic, partition, expected, { to: end })
      for (const stored of read.records) {
        const { value, offset } = stored
        if (offset !== expected) throw new HbError('log-diverged', `a hole before offset ${offset}`)
        expected = offset + 1
        const each = reader.read(value)
        if (each.type === 'superseded' && each.why === 'form') await this.#tell(stored)
        if (each.type !== 'entry') continue
        if (!writer.take(each.entry, each.record, value as Uint8Array)) break
        next = offset + 1
        if (writer.full) break
      }
      if (this.#stop.signal.aborted) throw new HbError('partition-lost')
      if (read.records.length === 0) break
    }
    return { writer, next, end: expected }
  }

  /** Once, though entries are gathered again and again. */
  async #tell(record: StoredRecord): Promise<void> {
    if (record.offset < this.#toldNext) return
    await this.#o.onPoison(record)
    this.#toldNext = record.offset + 1
  }

  #settle({ next, view }: Place): void {
    this.#archivedNext = next
    this.#height = view.height
    const settled = this.#waiting.filter((each) => each.next <= next)
    const left = this.#waiting.filter((each) => each.next > next)
    this.#waiting.splice(0, Infinity, ...left)
    for (const { resolve } of settled) resolve()
  }

  /** Tries again what may mend by itself, ever more slowly, until the task is closed. */
  async #again<T>(act: () => Promise<T>): Promise<T> {
    const { clock, limits, onRetried } = this.#o
    const onFailed = (error: HbError): void => {
      this.#error = error
      onRetried(error)
    }
    const options = { clock, limits, signal: this.#stop.signal, onFailed }
    const done = await retried(options, async () => {
      await this.#whilePaused()
      return act()
    })
    this.#error = undefined
    return done
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return
    const failed = asHbError(error)
    this.#failed = failed
    this.#error = failed
    for (const { reject } of this.#waiting.splice(0)) reject(failed)
    this.#o.onFailed(failed)
  }
}
