// The relayer role: a member of the consumer group on `outbox` that turns outbox messages into
// records on `ingress`.
//
// It keeps nothing that it could lose: what a crash leaves unfinished is sent again, and the
// channel numbers make every repetition harmless (R3).
//
// Owners: a node starts one service; for each partition of the outbox it is given, it owns a
// Channel per target (L1) and a Resender (L3). Invariants: L2 a batch is committed only when all
// of it is durable in ingress. L4 batches are planned one after another: looking up the cursor
// stops those behind. L5 once a partition is given up, nothing new is begun for it.

import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Run } from '../protocol/result.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Log, Membership, StoredRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import { carryTracing } from '../std/trace.ts'
import type { ChannelOptions } from './channel.ts'
import { Channel } from './channel.ts'
import type { OutboxCursor, Relay } from './core.ts'
import { relaysOf } from './core.ts'
import { beginLegs } from './legs.ts'
import { OutboxReader } from './outbox-reader.ts'
import type { RelayerFigures, RelayerLimits } from './ports.ts'
import { noRelayerFigures, RELAYER_LIMITS } from './ports.ts'
import type { ResenderOptions } from './resender.ts'
import { Resender } from './resender.ts'

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

type Source = {
  readonly cursor: OutboxCursor
  readonly channels: readonly Channel[]
  readonly stop: AbortController
  /** The tail of the queue of batches that are planned. */
  turn: Promise<unknown>
  watch: Promise<void>
}

export class RelayerService {
  readonly #o: RelayerOptions
  /** What channels and resenders share with the service. */
  readonly #shared: ChannelOptions & ResenderOptions
  readonly #sources = new Map<number, Source>()
  #membership: Membership | undefined
  readonly figures: RelayerFigures = noRelayerFigures()

  constructor(options: RelayerOptions) {
    this.#o = options
    const { network, log, clock, tracing = carryTracing() } = options
    const { figures } = this
    const limits = { ...RELAYER_LIMITS, ...options.limits }
    const topics = topicNames(options.applicationId ?? 'hb')
    const records = new Records()
    const onSkipped = (): void => void (figures.skipped += 1)
    const outbox = new OutboxReader(log, topics.outbox, records, onSkipped)
    this.#shared = { network, log, clock, tracing, figures, limits, topics, records, outbox }
  }

  async start(): Promise<void> {
    const { log, address, applicationId = 'hb' } = this.#o
    this.#membership = await log.join({
      group: `${applicationId}.relayer`,
      topics: [this.#shared.topics.outbox],
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
    const stop = new AbortController()
    const channels = Array.from(
      { length: this.#o.network.genesis.partitions },
      (_, target) => new Channel(this.#shared, target, stop.signal),
    )
    const idle = Promise.resolve()
    const cursor = { next: undefined }
    const source: Source = { cursor, channels, stop, turn: idle, watch: idle }
    const { outbox } = this.#shared.topics
    const start = committed[outbox]
    const resender = new Resender(this.#shared, partition, channels, stop.signal)
    source.watch = resender.run(start).catch((error: unknown) => {
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
    await Promise.all(source.channels.map((channel) => channel.drained()))
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
    const { outbox, tracing } = this.#shared
    const relays: Relay[] = []
    for (const record of stored) {
      const run = outbox.decode(record)
      if (run === undefined) continue
      let more: readonly Relay[] | 'gap' = relaysOf(this.#o.network, source.cursor, run)
      if (more === 'gap') {
        await this.#findCursor(partition, source, record.offset)
        more = relaysOf(this.#o.network, source.cursor, run)
        if (more === 'gap') more = await this.#overTrimmed(partition, source, run)
      }
      beginLegs(tracing, partition, more, record)
      for (const relay of more) relays.push(relay)
    }
    return relays
  }

  /** A repeated old run may be the first that was read after a restart: found from the start. */
  async #findCursor(partition: number, source: Source, before: number): Promise<void> {
    const cursor: OutboxCursor = { next: undefined }
    const { signal } = source.stop
    await this.#shared.outbox.scan(partition, -1, before, signal, (run) => {
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
    if ((await this.#shared.outbox.start(partition)) > 0) {
      cursor.next = run.from
      const relays = relaysOf(this.#o.network, cursor, run)
      if (relays !== 'gap') return relays
    }
    throw new HbError('outbox-gap', `partition ${partition}, ${run.from}`)
  }

  /** Appends each target's relays behind those before; resolves when all are durable. */
  async #send({ channels }: Source, relays: readonly Relay[]): Promise<void> {
    const byTarget = new Map<number, Relay[]>()
    for (const relay of relays) {
      const list = byTarget.get(relay.target)
      if (list === undefined) byTarget.set(relay.target, [relay])
      else list.push(relay)
    }
    const sends: Promise<void>[] = []
    for (const [target, list] of byTarget) sends.push((channels[target] as Channel).send(list))
    await Promise.all(sends)
  }
}
