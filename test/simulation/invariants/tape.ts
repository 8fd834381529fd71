// What the invariants of a run were fed with, recorded, so that tests can change it and play it
// again: a good history, and bad ones made of it.

import type { StoredRecord } from '../../../src/log/port.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import type { EntryRecord } from '../../../src/protocol/codec/records.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import type { Run } from '../../../src/protocol/result.ts'
import { asBuffer } from '../../../src/std/bytes.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { Known } from './known.ts'
import { Invariants } from './index.ts'
import type { Happening } from './watch.ts'
import type { PlanChanges } from '../plan.ts'
import { simulate } from '../run.ts'
import { World } from '../world/world.ts'

export type Tape = { readonly network: Network; readonly happenings: readonly Happening[] }
export type Appended = Happening & { readonly type: 'appended' }

export const RECORDS = new Records()

/** Records a run that must be without violation. */
export async function record(seed: number, changes: PlanChanges): Promise<Tape> {
  const happenings: Happening[] = []
  let network: Network | undefined
  const { violations } = await simulate(seed, {
    changes,
    onHappening: (happening, of) => {
      network = of
      happenings.push(happening)
    },
  })
  if (network === undefined || violations.length > 0) {
    throw new Error(`no good run to begin with: ${JSON.stringify(violations)}`)
  }
  return { network, happenings }
}

export type Played = {
  /** The first that was told, if any was. */
  readonly violation: Violation | undefined
  readonly situations: ReadonlyMap<string, number>
  readonly known: Known
}

export async function play({ network, happenings }: Tape): Promise<Played> {
  const world = new World(1)
  const invariants = new Invariants(world, network)
  for (const happening of happenings) invariants.happen(happening)
  // throws what a watcher threw
  await world.runUntil(() => true, 0)
  const [violation] = invariants.violations
  return { violation, situations: world.situations, known: invariants.known }
}

export function isAppended(happening: Happening, topic: string, partition?: number): boolean {
  const { type } = happening
  if (type !== 'appended' || happening.topic !== topic) return false
  return partition === undefined || happening.partition === partition
}

/** The tape, and then more. */
export function followed(tape: Tape, ...more: readonly Happening[]): Tape {
  return { ...tape, happenings: [...tape.happenings, ...more] }
}

/** The tape with more in the midst of it. */
export function inserted(tape: Tape, at: number, ...more: readonly Happening[]): Tape {
  const { happenings } = tape
  return { ...tape, happenings: [...happenings.slice(0, at), ...more, ...happenings.slice(at)] }
}

/** The tape up to a place (exclusive), and then others. */
export function cut(tape: Tape, at: number, ...more: readonly Happening[]): Tape {
  return { ...tape, happenings: [...tape.happenings.slice(0, at), ...more] }
}

/** A record at the end of a partition of a topic. */
export function appendedTo(
  tape: Tape,
  topic: string,
  partition: number,
  value: Uint8Array | null,
  rest: Partial<StoredRecord> = {},
): Appended {
  const all = tape.happenings.filter((each) => isAppended(each, topic, partition)) as Appended[]
  const offset = (all.at(-1)?.record.offset ?? -1) + 1
  const stored = { key: null, value, offset, timestamp: 1, ...rest }
  return { type: 'appended', topic, partition, record: stored }
}

export function entryOfRecord({ record: { value } }: Appended): EntryRecord {
  return RECORDS.decodeEntry(asBuffer(value as Uint8Array))
}

export function runOfRecord({ record: { value } }: Appended): Run {
  return RECORDS.decodeRun(asBuffer(value as Uint8Array))
}

/** The appended record with another run in its place. */
export function withRun(appended: Appended, change: (run: Run) => Run): Appended {
  const value = RECORDS.encodeRun(change(runOfRecord(appended)))
  return { ...appended, record: { ...appended.record, value } }
}

/** An entry's record that extends the chain of a partition. */
export function next(
  known: Known,
  partition: number,
  message: EntryRecord['message'],
  rest: Partial<EntryRecord> = {},
): Buffer {
  const { height, hash, timestamp } = known.partition(partition).view
  const place = { height: height + 1, prev: asBuffer(hash), timestamp }
  const admission = { systemHeight: -1, attestation: null }
  return RECORDS.encodeEntry({ ...place, admission, message, ...rest })
}

export function lastOf<T>(list: readonly T[]): T {
  const last = list.at(-1)
  if (last === undefined) throw new Error('an empty list has no last')
  return last
}

/** The newest accepted entry of a partition that a condition holds for. */
export function newest(
  known: Known,
  partition: number,
  isSo: (entry: Entry) => boolean,
): Entry {
  return lastOf(known.partition(partition).entries.filter(isSo))
}
