// What came to the door and what became of it, for metrics.

import type { ErrorCode } from '../std/errors.ts'
import { Histogram } from '../std/histogram.ts'

/** Counts since the start. */
export type DoorFigures = {
  accepted: number
  /** Of data items. */
  acceptedBytes: number
  /** By code: as many as the error table has. */
  readonly refused: Map<ErrorCode, number>
  /** Seconds from a checked message to durable in ingress. */
  readonly submitSeconds: Histogram
}

export function noDoorFigures(): DoorFigures {
  return { accepted: 0, acceptedBytes: 0, refused: new Map(), submitSeconds: new Histogram() }
}

export function refuse({ refused }: DoorFigures, code: ErrorCode, count = 1): void {
  refused.set(code, (refused.get(code) ?? 0) + count)
}
