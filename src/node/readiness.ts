// What a node still waits for before it is ready, and how far that is: for people who look at
// /readyz, and for metrics.
//
// Invariants: Y1 a node is ready exactly when nothing is listed and it is not closing. Y2 a guess
// of how long it takes is made of what was read so far, at the pace so far.

import type { OpeningView } from '../log/resume/index.ts'
import type { Clock } from '../std/clock.ts'
import type { Ownership, Role } from './ownership.ts'

/**
 * `joining`: the role's group has not given each partition to somebody, or this member its share
 * yet. `opening`: the partition's state is being restored. `halted`: it stands still; waiting does
 * not help.
 */
export type Waiting = {
  readonly role: Role
  readonly what: 'joining' | 'opening' | 'halted'
  readonly partition?: number
  /** Of what is opening: the topic that is read now, and how many of its records are read. */
  readonly topic?: string
  readonly read?: number
  /** Records to be read in all, as last asked of the log. */
  readonly of?: number
  /** Ms until they are, at the pace so far. */
  readonly etaMs?: number
  /** Of what is halted: the code of the error. */
  readonly code?: string
}

export type ReadinessOptions = {
  readonly ownership: Ownership
  readonly clock: Clock
  /** How far a role itself has got in opening a partition. */
  readonly opening: (role: Role, partition: number) => OpeningView | undefined
  /** The next offset of a topic's partition, as last heard. */
  readonly end: (topic: string, partition: number) => number | undefined
}

export function waitingFor(options: ReadinessOptions): Waiting[] {
  const { ownership } = options
  const waiting: Waiting[] = []
  const halts = ownership.halts()
  for (const role of ownership.roles) {
    const held = ownership.held(role)
    for (const partition of held) {
      const holding = ownership.of(role, partition)
      if (holding === 'opening') waiting.push(opening(options, role, partition))
      if (holding !== 'halted') continue
      const code = halts.find((each) => each.role === role && each.partition === partition)?.code
      waiting.push({ role, what: 'halted', partition, ...(code !== undefined && { code }) })
    }
    if (!ownership.hasJoined(role)) waiting.push({ role, what: 'joining' })
  }
  return waiting
}

function opening(o: ReadinessOptions, role: Role, partition: number): Waiting {
  const view = o.opening(role, partition) ?? o.ownership.opening(role, partition)
  const place = { role, what: 'opening', partition } as const
  if (view === undefined || view.topic === '') return place
  const { topic, from, at, sinceMs } = view
  const read = Math.max(0, at - from)
  const end = o.end(topic, partition)
  if (end === undefined) return { ...place, topic, read }
  const of = Math.max(read, end - from)
  const tookMs = o.clock.now() - sinceMs
  const etaMs = read > 0 ? Math.round(((of - read) * tookMs) / read) : undefined
  return { ...place, topic, read, of, ...(etaMs !== undefined && { etaMs }) }
}
