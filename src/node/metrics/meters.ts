// What each part of this node writes to the log and gets from it, counted where it passes: records,
// bytes of values, and how long appends take.
//
// Invariants: T1 a log that is metered behaves as it did: the same promises, no turn more. T2 what
// is counted per record is an addition; memory is taken per topic only.

import { passing } from '../../log/passing/index.ts'
import type { Batch, Log, LogRecord, ReadResult } from '../../log/port.ts'
import type { Clock } from '../../std/clock.ts'
import { isHbError } from '../../std/errors.ts'
import { Histogram } from '../../std/histogram.ts'
import type { Sample } from './metric.ts'

/** Of one part and one topic. */
export type Meter = {
  writtenRecords: number
  writtenBytes: number
  readRecords: number
  readBytes: number
  /** Seconds from the call to the end of an append that was not refused. */
  readonly append: Histogram
  /** By code. */
  readonly failures: Map<string, number>
}

type Numbers = 'writtenRecords' | 'writtenBytes' | 'readRecords' | 'readBytes'

export type OnAppendFailed = (
  part: string,
  topic: string,
  partition: number,
  error: unknown,
) => void

export class Meters {
  readonly #clock: Clock
  readonly #onFailed: OnAppendFailed
  readonly #byPart = new Map<string, Map<string, Meter>>()

  constructor(clock: Clock, onFailed: OnAppendFailed = () => undefined) {
    this.#clock = clock
    this.#onFailed = onFailed
  }

  /** `part`: who uses the log: a role, or the door. */
  metered(part: string, log: Log): Log {
    const meters = this.#byPart.get(part) ?? new Map<string, Meter>()
    this.#byPart.set(part, meters)
    const of = (topic: string): Meter => meterOf(meters, topic)
    return {
      ...passing(log),
      append: (topic, partition, records) => {
        const appended = log.append(topic, partition, records)
        const failed = (error: unknown): void => this.#onFailed(part, topic, partition, error)
        this.#watch(of(topic), records, appended, failed)
        return appended
      },
      read: (topic, partition, from, options) => {
        const read = log.read(topic, partition, from, options)
        read.then((result) => got(of(topic), result), ignored)
        return read
      },
      join: (options) => {
        const { member } = options
        const watched = {
          ...member,
          records: (batch: Batch) => {
            got(of(batch.topic), batch)
            return member.records(batch)
          },
        }
        return log.join({ ...options, member: watched })
      },
    }
  }

  numbers(which: Numbers): Sample[] {
    return this.#samples((meter) => [{ value: meter[which] }])
  }

  appends(): Sample[] {
    return this.#samples(({ append }) => (append.count === 0 ? [] : [{ histogram: append }]))
  }

  failures(): Sample[] {
    return this.#samples(({ failures }) =>
      [...failures].map(([code, value]) => ({ labels: { code }, value })),
    )
  }

  #watch(
    meter: Meter,
    records: readonly LogRecord[],
    appended: Promise<number>,
    failed: (error: unknown) => void,
  ): void {
    const from = this.#clock.now()
    appended.then(
      () => {
        meter.append.observeMs(this.#clock.now() - from)
        meter.writtenRecords += records.length
        for (const { value } of records) meter.writtenBytes += value?.length ?? 0
      },
      (error: unknown) => {
        const code = isHbError(error) ? error.code : 'internal-error'
        meter.failures.set(code, (meter.failures.get(code) ?? 0) + 1)
        failed(error)
      },
    )
  }

  #samples(read: (meter: Meter) => readonly Sample[]): Sample[] {
    const samples: Sample[] = []
    for (const [role, meters] of this.#byPart) {
      for (const [topic, meter] of meters) {
        for (const sample of read(meter)) {
          samples.push({ ...sample, labels: { role, topic, ...sample.labels } })
        }
      }
    }
    return samples
  }
}

function meterOf(meters: Map<string, Meter>, topic: string): Meter {
  const known = meters.get(topic)
  if (known !== undefined) return known
  const none = { writtenRecords: 0, writtenBytes: 0, readRecords: 0, readBytes: 0 }
  const meter: Meter = { ...none, append: new Histogram(), failures: new Map() }
  meters.set(topic, meter)
  return meter
}

function got(meter: Meter, { records }: Pick<ReadResult, 'records'>): void {
  meter.readRecords += records.length
  for (const { value } of records) meter.readBytes += value?.length ?? 0
}

/** Whoever reads is told. */
function ignored(): void {}
