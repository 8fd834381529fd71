// The door's way into ingress: what many requests bring becomes one append per partition.
//
// Invariants: W1 per partition one append in flight, in the order of `write`. W2 a write resolves
// when its records are durable. W3 what waits is bounded; a write is taken whole or refused whole
// with `queue-full`.

import type { Log, LogRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'

export type IngressLimits = {
  /** Bytes waiting in all; default 64 MiB. */
  readonly waitingBytesMax: number
  readonly waitingRecordsMax: number
  readonly appendRecordsMax: number
  readonly appendBytesMax: number
  /** How long an append is tried again before its writers are told, ms; default 10,000. */
  readonly retryMsMax: number
}

export const INGRESS_LIMITS: IngressLimits = {
  waitingBytesMax: 67_108_864,
  waitingRecordsMax: 50_000,
  appendRecordsMax: 500,
  appendBytesMax: 900_000,
  retryMsMax: 10_000,
}

export type IngressRecord = { readonly partition: number; readonly record: LogRecord }

type Waiting = {
  readonly record: LogRecord
  readonly bytes: number
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

export class IngressWriter {
  readonly #log: Log
  readonly #topic: string
  readonly #clock: Clock
  readonly #limits: IngressLimits
  readonly #queues = new Map<number, Waiting[]>()
  readonly #running = new Set<number>()
  #records = 0
  #bytes = 0

  constructor(log: Log, topic: string, clock: Clock, limits: Partial<IngressLimits> = {}) {
    this.#log = log
    this.#topic = topic
    this.#clock = clock
    this.#limits = { ...INGRESS_LIMITS, ...limits }
  }

  /** What was given to `write` and is not durable or refused yet. */
  get waitingRecords(): number {
    return this.#records
  }

  get waitingBytes(): number {
    return this.#bytes
  }

  async write(list: readonly IngressRecord[]): Promise<void> {
    let bytes = 0
    for (const { record } of list) bytes += record.value?.length ?? 0
    const { waitingBytesMax, waitingRecordsMax } = this.#limits
    const full =
      this.#records + list.length > waitingRecordsMax || this.#bytes + bytes > waitingBytesMax
    if (full) throw new HbError('queue-full', `${this.#records} records wait for ingress`)
    this.#records += list.length
    this.#bytes += bytes
    // all of them, before any failure is told: what still waits must stay counted (W3)
    const outcomes = await Promise.allSettled(list.map((each) => this.#enqueue(each)))
    this.#records -= list.length
    this.#bytes -= bytes
    const failed = outcomes.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #enqueue({ partition, record }: IngressRecord): Promise<void> {
    return new Promise((done, failed) => {
      const queue = this.#queues.get(partition) ?? []
      this.#queues.set(partition, queue)
      queue.push({ record, bytes: record.value?.length ?? 0, done, failed })
      if (this.#running.has(partition)) return
      this.#running.add(partition)
      queueMicrotask(() => void this.#run(partition, queue))
    })
  }

  async #run(partition: number, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      const batch = this.#next(queue)
      try {
        await this.#append(
          partition,
          batch.map(({ record }) => record),
        )
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch) failed(error)
      }
    }
    this.#running.delete(partition)
    this.#queues.delete(partition)
  }

  #next(queue: Waiting[]): Waiting[] {
    const { appendBytesMax, appendRecordsMax } = this.#limits
    let bytes = 0
    let count = 0
    for (const waiting of queue) {
      if (count >= appendRecordsMax || (count > 0 && bytes + waiting.bytes > appendBytesMax)) break
      bytes += waiting.bytes
      count += 1
    }
    return queue.splice(0, count)
  }

  /**
   * A wallet's message that stands in ingress twice is ordered once, so anything unclear is sent
   * again.
   */
  async #append(partition: number, records: readonly LogRecord[]): Promise<void> {
    const deadline = this.#clock.now() + this.#limits.retryMsMax
    for (let delay = 10; ; delay = Math.min(delay * 2, 1_000)) {
      try {
        await this.#log.append(this.#topic, partition, records)
        return
      } catch (error) {
        const again =
          isHbError(error, 'log-append-refused') || isHbError(error, 'log-append-unclear')
        if (!again || this.#clock.now() > deadline) throw error
        await this.#clock.sleep(delay)
      }
    }
  }
}
