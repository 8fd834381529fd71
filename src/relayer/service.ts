// The relayer role: a member of the consumer group on `outbox` that turns outbox messages into
// records on `ingress`.
//
// It keeps nothing that it could lose: what a crash leaves unfinished is sent again, and the
// channel numbers make every repetition harmless (R3). Invariants: L1 per channel one append in
// flight, in order. L2 a batch is committed only when all of it is durable in ingress. L3 a
// channel whose settled counter stands still below what was sent, here or by whoever had the
// partition before, for longer than `stallMs` is sent again from the counter. L4 batches are
// planned one after another: looking up the cursor stops those behind. L5 once a partition is given
// up, nothing new is begun for it.

import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Head } from '../protocol/records.ts'
import type { Run } from '../protocol/result.ts'
import type { TopicNames } from '../protocol/topics.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Log, LogRecord, Membership, StoredRecord } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { Histogram } from '../std/histogram.ts'
import type { Tracing } from '../std/trace.ts'
import { carryTracing, traceHeaders, tracesOfRun } from '../std/trace.ts'
import type { OutboxCursor, Relay } from './core.ts'
import { relaysOf } from './core.ts'
import { OutboxReader } from './outbox-reader.ts'

export type RelayerLimits = {
  /** Records of one append; default 500. */
  readonly appendRecordsMax: number
  /** Bytes of one append; default 900,000. */
  readonly appendBytesMax: number
  /** Pause after a failed append, ms, doubled up to 2 s; default 20. */
  readonly retryDelayMs: number
  /** How long a channel may stand still below what was sent, ms; default 5,000. */
  readonly stallMs: number
  /** Records of the outbox before the commit that are looked at after a start; default 1,024. */
  readonly lookBackRecordsMax: number
}

export const RELAYER_LIMITS: RelayerLimits = {
  appendRecordsMax: 500,
  appendBytesMax: 900_000,
  retryDelayMs: 20,
  stallMs: 5_000,
  lookBackRecordsMax: 1_024,
}

/** Looked at in one piece. */
const LOOK_BACK_RECORDS = 64

/** Counts since the start, for metrics. */
export type RelayerFigures = {
  relayed: number
  appends: number
  skipped: number
  resent: number
  /** Seconds from a run's append to the outbox to all its messages durable in ingress. */
  readonly relaySeconds: Histogram
}

export type RelayerOptions = {
  readonly network: Network
  readonly log: Log
  readonly clock: Clock
  readonly applicationId?: string
  /** Where others reach this node (`JoinOptions.address`). */
  readonly address?: string
  readonly limits?: Partial<RelayerLimits>
  /** Default: what came with a run is carried on. */
  readonly tracing?: Tracing
  readonly onHalted?: (partition: number, error: unknown) => void
}

/** A channel: what was sent last, and what its target had settled when it was last seen to move. */
type Channel = { tail: Promise<void>; sent: number; settled: number; movedAt: number }

type Source = {
  readonly cursor: OutboxCursor
  readonly channels: Channel[]
  readonly stop: AbortController
  /** The tail of the queue of batches that are planned. */
  turn: Promise<unknown>
  watch: Promise<void>
}

export class RelayerService {
  readonly #o: RelayerOptions
  readonly #limits: RelayerLimits
  readonly #topics: TopicNames
  readonly #records = new Records()
  readonly #outbox: OutboxReader
  readonly #tracing: Tracing
  readonly #sources = new Map<number, Source>()
  #membership: Membership | undefined
  readonly figures: RelayerFigures = {
    relayed: 0,
    appends: 0,
    skipped: 0,
    resent: 0,
    relaySeconds: new Histogram(),
  }

  constructor(options: RelayerOptions) {
    this.#o = options
    this.#limits = { ...RELAYER_LIMITS, ...options.limits }
    this.#topics = topicNames(options.applicationId ?? 'hb')
    const onSkipped = (): void => void (this.figures.skipped += 1)
    this.#tracing = options.tracing ?? carryTracing()
    const { outbox } = this.#topics
    this.#outbox = new OutboxReader(options.log, outbox, this.#records, onSkipped)
  }

  async start(): Promise<void> {
    const { log, address, applicationId = 'hb' } = this.#o
    this.#membership = await log.join({
      group: `${applicationId}.relayer`,
      topics: [this.#topics.outbox],
      ...(address !== undefined && { address }),
      member: {
        assigned: (partition, committed) => this.#assigned(partition, committed),
        records: ({ partition, records }) => this.#relay(partition, records),
        revoked: (partition) => this.#revoked(partition),
        halted: (partition, error) => this.#o.onHalted?.(partition, error),
      },
    })
  }

  async stop(): Promise<void> {
    await this.#membership?.leave()
    this.#membership = undefined
  }

  #assigned(
    partition: number,
    committed: Readonly<Record<string, number | undefined>>,
  ): Promise<Record<string, number | 'earliest'>> {
    const { clock, network } = this.#o
    const now = clock.now()
    const channels = Array.from({ length: network.genesis.partitions }, () => ({
      tail: Promise.resolve(),
      sent: 0,
      settled: 0,
      movedAt: now,
    }))
    const stop = new AbortController()
    const idle = Promise.resolve()
    const cursor = { next: undefined }
    const source: Source = { cursor, channels, stop, turn: idle, watch: idle }
    const { outbox } = this.#topics
    const start = committed[outbox]
    source.watch = this.#watch(partition, source, start).catch((error: unknown) => {
      // without it nothing would be sent again: say so, and go on relaying
      if (!stop.signal.aborted) this.#o.onHalted?.(partition, error)
    })
    this.#sources.set(partition, source)
    return Promise.resolve({ [outbox]: start ?? 'earliest' })
  }

  async #revoked(partition: number): Promise<void> {
    const source = this.#sources.get(partition)
    if (source === undefined) return
    source.stop.abort()
    await source.turn.catch(() => undefined)
    await Promise.all(source.channels.map((channel) => channel.tail.catch(() => undefined)))
    await source.watch
    this.#sources.delete(partition)
  }

  async #relay(partition: number, stored: readonly StoredRecord[]): Promise<void> {
    const source = this.#sources.get(partition)
    if (source === undefined) throw new HbError('partition-lost', `partition ${partition}`)
    const planned = source.turn.then(async () => {
      const relays = await this.#plan(partition, source, stored)
      // in an object: the batch behind need not wait until this one is durable
      return { sent: this.#send(source, relays) }
    })
    source.turn = planned
    await (
      await planned
    ).sent
    const now = this.#o.clock.now()
    for (const { timestamp } of stored) this.figures.relaySeconds.observeMs(now - timestamp)
  }

  async #plan(
    partition: number,
    source: Source,
    stored: readonly StoredRecord[],
  ): Promise<Relay[]> {
    const relays: Relay[] = []
    for (const record of stored) {
      const run = this.#outbox.decode(record)
      if (run === undefined) continue
      let more: readonly Relay[] | 'gap' = relaysOf(this.#o.network, source.cursor, run)
      if (more === 'gap') {
        await this.#findCursor(partition, source, record.offset)
        more = relaysOf(this.#o.network, source.cursor, run)
        if (more === 'gap') more = await this.#overTrimmed(partition, source, run)
      }
      this.#trace(partition, more, record)
      for (const relay of more) relays.push(relay)
    }
    return relays
  }

  #trace(partition: number, relays: readonly Relay[], stored: StoredRecord): void {
    if (relays.length === 0) return
    const traces = tracesOfRun(stored)
    for (const relay of relays) {
      const { process, record } = relay
      const trace = traces?.get(record.height)
      relay.leg = this.#tracing.begin('hb.relay', trace, partition, process, '')
    }
  }

  /** A repeated old run may be the first that was read after a restart: found from the start. */
  async #findCursor(partition: number, source: Source, before: number): Promise<void> {
    const cursor: OutboxCursor = { next: undefined }
    const { signal } = source.stop
    await this.#outbox.scan(partition, -1, before, signal, (run) => {
      relaysOf(this.#o.network, cursor, run)
    })
    source.cursor.next = cursor.next
  }

  /**
   * Repeated old runs may also be all that a trim left before this one: the results between them
   * and this one are gone then, and so relayed and settled. Nowhere else is a gap passed over; what
   * is relayed behind one is never accepted (R3).
   */
  async #overTrimmed(partition: number, { cursor }: Source, run: Run): Promise<readonly Relay[]> {
    if ((await this.#outbox.start(partition)) > 0) {
      cursor.next = run.from
      const relays = relaysOf(this.#o.network, cursor, run)
      if (relays !== 'gap') return relays
    }
    throw new HbError('outbox-gap', `partition ${partition}, ${run.from}`)
  }

  /** Appends each target's relays behind those before; resolves when all are durable. */
  async #send(source: Source, relays: readonly Relay[]): Promise<void> {
    const byTarget = new Map<number, Relay[]>()
    for (const relay of relays) {
      const list = byTarget.get(relay.target)
      if (list === undefined) byTarget.set(relay.target, [relay])
      else list.push(relay)
    }
    const sends: Promise<void>[] = []
    for (const [target, list] of byTarget) {
      const channel = source.channels[target] as Channel
      if (channel.sent === channel.settled) channel.movedAt = this.#o.clock.now()
      channel.sent = Math.max(channel.sent, (list.at(-1) as Relay).record.seq)
      const send = channel.tail.then(() => this.#append(source, target, list))
      channel.tail = send
      send.catch(() => undefined)
      sends.push(send)
    }
    await Promise.all(sends)
  }

  async #append(source: Source, target: number, relays: readonly Relay[]): Promise<void> {
    for (const batch of this.#cut(relays)) {
      for (let delay = this.#limits.retryDelayMs; ; delay = Math.min(delay * 2, 2_000)) {
        try {
          await this.#o.log.append(this.#topics.ingress, target, batch)
          this.figures.appends += 1
          this.figures.relayed += batch.length
          break
        } catch (error) {
          // sent twice is dropped by the channel's number: anything unclear is simply sent again
          const again =
            isHbError(error, 'log-append-refused') || isHbError(error, 'log-append-unclear')
          if (!again) throw error
          if (source.stop.signal.aborted) throw new HbError('partition-lost', 'stopping')
          await this.#o.clock.sleep(delay, source.stop.signal)
        }
      }
    }
    for (const { leg } of relays) leg?.end()
  }

  #cut(relays: readonly Relay[]): LogRecord[][] {
    const batches: LogRecord[][] = []
    let batch: LogRecord[] = []
    let bytes = 0
    for (const { process, record, leg } of relays) {
      const value = this.#records.encodeIngress({ type: 'relayed', relayed: record })
      const { appendRecordsMax, appendBytesMax } = this.#limits
      const full = batch.length > 0 && bytes + value.length > appendBytesMax
      if (full || batch.length >= appendRecordsMax) {
        batches.push(batch)
        batch = []
        bytes = 0
      }
      if (leg === undefined) batch.push({ key: process, value })
      else batch.push({ key: process, value, headers: traceHeaders(leg) })
      bytes += value.length
    }
    if (batch.length > 0) batches.push(batch)
    return batches
  }

  /** Follows the heads of all partitions, and sends a channel again that stands still (L3). */
  async #watch(partition: number, source: Source, committed: number | undefined): Promise<void> {
    const { log, clock } = this.#o
    const { signal } = source.stop
    const { stallMs } = this.#limits
    const { registry } = this.#topics
    let from: number | undefined
    let before = committed
    // until all heads there are were read, a counter may only seem to stand still
    let isKnown = false
    while (!signal.aborted) {
      try {
        if (before !== undefined) await this.#learnSent(partition, source, before)
        before = undefined
        from ??= (await log.ends(registry))[0]?.start ?? 0
        const waitMs = isKnown ? stallMs : 0
        const read = await log.read(registry, 0, from, { signal, waitMs })
        from = read.next
        for (const { value } of read.records) {
          if (value !== null && this.#records.head.matches(value)) {
            this.#seen(partition, source, this.#records.head.decode(asBuffer(value)))
          }
        }
        isKnown ||= read.records.length === 0
        if (isKnown) await this.#resendStanding(partition, source)
      } catch (error) {
        if (isHbError(error, 'log-closed')) return
        if (!isHbError(error)) throw error
        // heads are compacted: where the position is gone, the newest ones are still there
        if (isHbError(error, 'log-position-out-of-range')) from = undefined
        await clock.sleep(stallMs, signal)
      }
    }
  }

  async #resendStanding(partition: number, source: Source): Promise<void> {
    const { clock } = this.#o
    for (const [target, channel] of source.channels.entries()) {
      if (source.stop.signal.aborted) return
      if (channel.settled >= channel.sent) continue
      if (clock.now() - channel.movedAt < this.#limits.stallMs) continue
      await this.#resend(partition, source, target)
      channel.movedAt = clock.now()
    }
  }

  /**
   * What was sent last in each channel before this member had the partition: looked for backwards
   * from the commit, in the newest `lookBackRecordsMax` records, until each channel was met.
   */
  async #learnSent(partition: number, source: Source, committed: number): Promise<void> {
    const { lookBackRecordsMax } = this.#limits
    const { network } = this.#o
    const { signal } = source.stop
    const start = Math.max(0, committed - lookBackRecordsMax)
    const met = new Set<number>()
    for (let to = committed; to > start && met.size < source.channels.length; ) {
      const from = Math.max(start, to - LOOK_BACK_RECORDS)
      const last = new Map<number, number>()
      await this.#outbox.scan(partition, from, to, signal, (run) => {
        const relays = relaysOf(network, { next: undefined }, run)
        if (relays === 'gap') return
        for (const { target, record } of relays) {
          last.set(target, Math.max(last.get(target) ?? 0, record.seq))
        }
      })
      for (const [target, seq] of last) {
        met.add(target)
        const channel = source.channels[target] as Channel
        channel.sent = Math.max(channel.sent, seq)
      }
      to = from
    }
  }

  #seen(partition: number, source: Source, head: Head): void {
    const channel = source.channels[head.partition]
    const counter = head.counters[partition]
    if (channel === undefined || counter === undefined || counter <= channel.settled) return
    channel.settled = counter
    channel.movedAt = this.#o.clock.now()
  }

  async #resend(partition: number, source: Source, target: number): Promise<void> {
    const channel = source.channels[target] as Channel
    const end = (await this.#o.log.ends(this.#topics.outbox))[partition]?.end ?? 0
    const cursor: OutboxCursor = { next: undefined }
    const missing: Relay[] = []
    const { signal } = source.stop
    await this.#outbox.scan(partition, -1, end, signal, (run, stored) => {
      // repeated old runs may be the first that are retained, with a gap behind them
      if (cursor.next !== undefined && run.from > cursor.next) cursor.next = run.from
      const relays = relaysOf(this.#o.network, cursor, run)
      if (relays === 'gap') return
      const lacking = relays.filter(({ target: to, record: { seq } }) => {
        return to === target && seq > channel.settled && seq <= channel.sent
      })
      this.#trace(partition, lacking, stored)
      for (const relay of lacking) missing.push(relay)
    })
    if (missing.length === 0 || signal.aborted) return
    this.figures.resent += missing.length
    await this.#send(source, missing)
  }
}
