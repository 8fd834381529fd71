// What a message would have done to a process as it was: the state by replay, and the message
// evaluated on it.
//
// Invariant: N1 as of every replay: nothing is appended, and no group is joined.

import { dryRunMessage } from '../protocol/dry-run.ts'
import type { DryRunSpec } from '../protocol/dry-run.ts'
import type { DryRun, DryRunBasis } from '../dre/index.ts'
import { dryRun } from '../dre/index.ts'
import { HbError } from '../std/errors.ts'
import type { Point, StatesOptions } from './states.ts'
import { statesAt } from './states.ts'

export type DryRunAtOptions = Omit<StatesOptions, 'points'> & {
  readonly point: Point
  /** Its `atSlot` is not read: the point says it. */
  readonly spec: DryRunSpec & { readonly timestamp: number }
  readonly withState: boolean
}

export type DryRunThen = {
  readonly began: { readonly at: 'genesis' | 'manifest'; readonly height: number }
  readonly basis: DryRunBasis
  readonly run: DryRun
}

/** Errors: those of `statesAt`, of `dryRunMessage`, `evaluation-fault`. */
export async function dryRunAt(options: DryRunAtOptions): Promise<DryRunThen> {
  const { network, evaluator, process, point, spec, withState } = options
  const message = dryRunMessage(network, process, spec)
  const { partition, began, states } = await statesAt({ ...options, points: [point] })
  const [state] = states
  if (state === undefined) throw new HbError('state-unknown', process)
  const { slot, stateHash, text, next } = state
  const saved = { process, partition, slot, stateHash, snapshot: text, changes: [] }
  const basis = { ...saved, ...next, timestampMin: 0 }
  const { timestamp } = spec
  const about = { network, evaluator, basis, message, timestamp, withState }
  return { began, basis, run: await dryRun({ ...about, name: `dry-run:${process}` }) }
}
