// What the verifier pool and its threads say to each other.

import type { ErrorCode } from '../std/errors.ts'

/**
 * A thread's workerData. `thread` is its place, 0 … threads − 1: a replacement takes its
 * predecessor's.
 */
export type WorkerSettings = {
  readonly thread: number
  readonly threads: number
  readonly ownersMax: number
}

export type JobMessage = {
  readonly job: number
  readonly items: number
  readonly buffer: SharedArrayBuffer
}

/** Index in the job, code, text. */
export type Refusal = readonly [number, ErrorCode, string]

export type Answer = { readonly job: number; readonly refused: readonly Refusal[] }
