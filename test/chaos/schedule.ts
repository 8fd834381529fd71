// Which fault hits whom and when: a function of the seed, printed with it, so that a run can be
// repeated as far as the machine allows.
// Invariant: the first faults are one of each kind, for members and then for brokers; the rest is
// at random.

import type { Random } from '../../src/std/random.ts'

export type Role = 'sequencer' | 'dre' | 'relayer' | 'broker'

/**
 * kill: SIGKILL, started again. lose: SIGKILL, started again on an empty disk. stop: SIGTERM,
 * started again. freeze: SIGSTOP, and SIGCONT once its partitions have moved: the zombie.
 */
export type FaultKind = 'kill' | 'lose' | 'stop' | 'freeze'

export type Fault = {
  /** Ms after the schedule's begin: not before. */
  readonly atMs: number
  readonly target: string
  readonly kind: FaultKind
  /** How long it stays away at least. */
  readonly awayMs: number
}

export type ScheduleOptions = {
  readonly random: Random
  readonly targets: readonly { readonly name: string; readonly role: Role }[]
  readonly durationMs: number
  /** Mean time from one fault to the next. */
  readonly everyMs: number
  readonly memberKinds: readonly FaultKind[]
  readonly brokerKinds: readonly FaultKind[]
  readonly awayMsMax: number
}

/** Of ten faults, so many are a broker's. */
const BROKERS_OF_TEN = 2

export function scheduleOf(options: ScheduleOptions): Fault[] {
  const { random, targets, durationMs, everyMs, memberKinds, brokerKinds, awayMsMax } = options
  const members = targets.filter(({ role }) => role !== 'broker')
  const brokers = targets.filter(({ role }) => role === 'broker')
  const ofEach = [
    ...shuffled(memberKinds, random).map((kind) => ({ kind, among: members })),
    ...shuffled(brokers.length === 0 ? [] : brokerKinds, random).map((kind) => ({
      kind,
      among: brokers,
    })),
  ]
  const faults: Fault[] = []
  for (let atMs = 0; ;) {
    atMs += Math.round(everyMs * (0.5 + random.float()))
    const next = ofEach.shift() ?? drawn(random, members, brokers, memberKinds, brokerKinds)
    if (atMs > durationMs || next.among.length === 0) return faults
    const target = next.among[random.below(next.among.length)] as (typeof targets)[number]
    const awayMs = 300 + random.below(awayMsMax)
    faults.push({ atMs, target: target.name, kind: next.kind, awayMs })
  }
}

type Targets = ScheduleOptions['targets']

function drawn(
  random: Random,
  members: Targets,
  brokers: Targets,
  memberKinds: readonly FaultKind[],
  brokerKinds: readonly FaultKind[],
): { kind: FaultKind; among: Targets } {
  const ofBroker = brokers.length > 0 && random.below(10) < BROKERS_OF_TEN
  const kinds = ofBroker ? brokerKinds : memberKinds
  const kind = kinds[random.below(kinds.length)] ?? 'kill'
  return { kind, among: ofBroker ? brokers : members }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const rest = [...list]
  return list.map(() => rest.splice(random.below(rest.length), 1)[0] as T)
}
