// What this node has of each group's partitions, as it was told by the log: each role joins through
// a log of its own here, which notes what its member is assigned and what is taken from it.
//
// Owners: node.ts makes one and hands `watched(role)` to each role.
// Invariants: O1 a partition is `open` only between the end of the role's `assigned` and the
// beginning of `revoked`; the DRE's only once it evaluated what was the log's end at that time, so
// that nobody is shown a state that is older than what another member has shown. O2 a role has
// joined once its group gave each partition to somebody, and the role is done with those it got:
// before, having none says nothing.

import { passing } from '../log/passing/index.ts'
import type { GroupMember, JoinOptions, Log, Member, Membership } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { isHbError } from '../std/errors.ts'
import type { OpeningView } from '../log/resume/index.ts'

export const ROLES = ['sequencer', 'dre', 'relayer'] as const
export type Role = (typeof ROLES)[number]

/** `closing`: on its way to another member. `elsewhere`: another member has it, or nobody. */
export type Holding = 'opening' | 'open' | 'closing' | 'halted' | 'standby' | 'elsewhere'

export type Halt = { readonly code: string; readonly text: string }

/** The same log, as the brokers are to know each role: a client id, and connections, of its own. */
export type RoleLogs = Readonly<Partial<Record<Role, Log>>>

export type OwnershipOptions = {
  readonly log: Log
  /** Of the roles that have a log of their own; default: `log`. */
  readonly roleLogs?: RoleLogs
  readonly clock: Clock
  readonly partitions: number
  readonly roles: readonly Role[]
  /** A partition comes (`opening`), is `open` or is going; called synchronously. */
  readonly onMoved?: (role: Role, partition: number) => void
}

type Held = {
  holding: 'opening' | 'open' | 'closing' | 'halted'
  halt?: Halt
  /** Up to where all batches of the role's topic are done; where and when they began. */
  next: number
  readonly topic: string
  from: number
  sinceMs: number
  /** Resolves when those that were handed on so far are done. */
  done: Promise<void>
  /** Called when `next` grew, or it is over. */
  wake: () => void
}

type Part = {
  readonly held: Map<number, Held>
  standbys: ReadonlySet<number>
  /** Of the role's copies, how many records they lag. */
  lags: () => ReadonlyMap<number, number>
  membership: Membership | undefined
  joined: boolean
}

const ASK_AGAIN_MS = 5
const ASK_AGAIN_MS_MAX = 500
/** A log's end may be a hole, of which no batch tells. */
const LOOK_AGAIN_MS = 1_000

export class Ownership {
  readonly #o: OwnershipOptions
  readonly #parts: ReadonlyMap<Role, Part>
  readonly #stop = new AbortController()
  readonly #following = new Set<Promise<void>>()

  constructor(options: OwnershipOptions) {
    this.#o = options
    const part = (): Part => ({
      held: new Map(),
      standbys: new Set(),
      lags: () => new Map(),
      membership: undefined,
      joined: false,
    })
    this.#parts = new Map(options.roles.map((role) => [role, part()]))
  }

  get roles(): readonly Role[] {
    return this.#o.roles
  }

  /** The log for one role: all as it is, but that its member is watched. */
  watched(role: Role): Log {
    return { ...passing(this.#log(role)), join: (options) => this.#join(role, options) }
  }

  /** Told by the role itself: a role may halt a partition outside of a delivery, too. */
  halted(role: Role, partition: number, error: unknown): void {
    const held = this.#parts.get(role)?.held.get(partition)
    if (held === undefined) return
    held.holding = 'halted'
    held.wake()
    const code = isHbError(error) ? error.code : 'internal-error'
    held.halt = { code, text: `${role}: ${String(error)}` }
  }

  of(role: Role, partition: number): Holding {
    const part = this.#parts.get(role)
    const held = part?.held.get(partition)
    if (held !== undefined) return held.holding
    return part?.standbys.has(partition) === true ? 'standby' : 'elsewhere'
  }

  /**
   * How many records the warm copies of a partition lag, of the roles that keep one here; null: a
   * copy has only begun. Undefined: none is kept.
   */
  standbyLag(partition: number): Readonly<Partial<Record<Role, number | null>>> | undefined {
    const lags: Partial<Record<Role, number | null>> = {}
    let isKept = false
    for (const [role, part] of this.#parts) {
      if (!part.standbys.has(partition)) continue
      lags[role] = part.lags().get(partition) ?? null
      isKept = true
    }
    return isKept ? lags : undefined
  }

  /** Why the partition is halted here, of the first role that is. */
  halt(partition: number): Halt | undefined {
    for (const [, { held }] of this.#parts) {
      const { halt } = held.get(partition) ?? {}
      if (halt !== undefined) return halt
    }
    return undefined
  }

  /** Every partition that is halted here, by role. */
  halts(): { role: Role; partition: number; code: string }[] {
    return [...this.#parts].flatMap(([role, { held }]) =>
      [...held].flatMap(([partition, { halt }]) =>
        halt === undefined ? [] : [{ role, partition, code: halt.code }],
      ),
    )
  }

  /** Of an opening partition that the role itself is done with: how far its batches have got. */
  opening(role: Role, partition: number): OpeningView | undefined {
    const held = this.#parts.get(role)?.held.get(partition)
    if (held === undefined || held.from < 0) return undefined
    const { topic, from, next, sinceMs } = held
    return { topic, from, at: next, sinceMs }
  }

  /** Partitions whose copy a role keeps warm here. */
  standbys(role: Role): number[] {
    return [...(this.#parts.get(role)?.standbys ?? [])].sort((a, b) => a - b)
  }

  hasJoined(role: Role): boolean {
    return this.#parts.get(role)?.joined === true
  }

  /** Partitions that the role was given and did not give up yet, in order. */
  held(role: Role): number[] {
    return [...(this.#parts.get(role)?.held.keys() ?? [])].sort((a, b) => a - b)
  }

  /** True for a member that is a role of this node. */
  isOwn(member: GroupMember): boolean {
    for (const [, { membership }] of this.#parts) {
      if (membership?.memberId === member.memberId) return true
    }
    return false
  }

  /** Every role has joined, and all that they own is open. */
  ready(): boolean {
    if (this.#stop.signal.aborted) return false
    return [...this.#parts.values()].every(
      ({ joined, held }) =>
        joined &&
        [...held.values()].every(({ holding }) => holding === 'open' || holding === 'closing'),
    )
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#following)
  }

  #log(role: Role): Log {
    return this.#o.roleLogs?.[role] ?? this.#o.log
  }

  async #join(role: Role, options: JoinOptions): Promise<Membership> {
    const part = this.#parts.get(role)
    const log = this.#log(role)
    if (part === undefined) return log.join(options)
    const member = this.#watch(role, part, options)
    const membership = await log.join({ ...options, member })
    part.membership = membership
    this.#run(this.#follow(part, options.group))
    return membership
  }

  #watch(role: Role, part: Part, { member, topics }: JoinOptions): Member {
    const moved = (partition: number): void => this.#o.onMoved?.(role, partition)
    part.lags = () => member.holds?.() ?? new Map<number, number>()
    const [topic = ''] = topics
    return {
      assigned: async (partition, committed) => {
        const held = heldAs('opening', topic)
        part.held.set(partition, held)
        moved(partition)
        const starts = await member.assigned(partition, committed)
        const from = starts[topic]
        if (typeof from === 'number') {
          held.next = from
          held.from = from
          held.sinceMs = this.#o.clock.now()
        }
        const caughtUp = role === 'dre' ? this.#caughtUp(role, held, topic, partition) : undefined
        const open = async (): Promise<void> => {
          await caughtUp
          if (held.holding !== 'opening' || part.held.get(partition) !== held) return
          held.holding = 'open'
          moved(partition)
        }
        // not waited for: it needs the batches that come only after this
        if (caughtUp === undefined) await open()
        else this.#run(open())
        return starts
      },
      records: (batch) => {
        const done = member.records(batch)
        const held = part.held.get(batch.partition)
        if (held === undefined || batch.topic !== topic) return done
        // one without entries is done before those ahead of it
        held.done = Promise.all([held.done, done]).then(() => {
          held.next = Math.max(held.next, batch.next)
          held.wake()
        })
        held.done.catch(() => undefined)
        return done
      },
      revoked: async (partition) => {
        const had = part.held.get(partition)
        if (had !== undefined) {
          had.holding = 'closing'
          had.wake()
        }
        // another object: a late end of `assigned` must not open what is going
        const going = heldAs('closing', topic)
        part.held.set(partition, going)
        moved(partition)
        try {
          await member.revoked(partition)
        } finally {
          if (part.held.get(partition) === going) part.held.delete(partition)
        }
      },
      standby: (partitions) => {
        part.standbys = new Set(partitions)
        member.standby?.(partitions)
      },
      holds: part.lags,
      halted: (partition, error) => {
        this.halted(role, partition, error)
        member.halted?.(partition, error)
      },
    }
  }

  #run(work: Promise<void>): void {
    this.#following.add(work)
    void work.finally(() => this.#following.delete(work))
  }

  /** Resolves when what is the log's end now is done; also when the partition is not opening. */
  async #caughtUp(role: Role, held: Held, topic: string, partition: number): Promise<void> {
    const { clock } = this.#o
    const log = this.#log(role)
    const { signal } = this.#stop
    let end: number | undefined
    while (!signal.aborted && held.holding === 'opening') {
      if (end === undefined) {
        const ends = (await log.ends(topic).catch(nothing))?.[partition]
        end = ends?.end
        if (held.next < 0 && ends !== undefined) held.next = ends.start
      }
      if (end !== undefined && held.next >= end) return
      const before = held.next
      const woken = new AbortController()
      const wake = (): void => woken.abort()
      held.wake = wake
      signal.addEventListener('abort', wake, { once: true })
      await clock.sleep(LOOK_AGAIN_MS, woken.signal)
      signal.removeEventListener('abort', wake)
      if (end === undefined || held.next > before) continue
      const rest = await log.read(topic, partition, before, { to: end, bytesMax: 1 }).catch(nothing)
      if (rest?.records.length === 0) return
    }
  }

  async #follow(part: Part, group: string): Promise<void> {
    const { signal } = this.#stop
    for (let delayMs = ASK_AGAIN_MS; !signal.aborted; delayMs *= 2) {
      if (await this.#hasJoined(part, group)) {
        part.joined = true
        return
      }
      await this.#o.clock.sleep(Math.min(delayMs, ASK_AGAIN_MS_MAX), signal)
    }
  }

  async #hasJoined(part: Part, group: string): Promise<boolean> {
    const members = (await this.#o.log.members(group).catch(nothing)) ?? []
    const given = new Set(members.flatMap(({ partitions }) => partitions))
    const own = members.find(({ memberId }) => memberId === part.membership?.memberId)
    if (own === undefined || given.size < this.#o.partitions) return false
    // the group still moves: in the end each has a share, if only one to keep warm, while there are
    // shares enough
    const share = own.partitions.length + own.standbys.length
    if (share === 0 && members.length <= this.#o.partitions) return false
    return own.partitions.every((partition) => {
      const holding = part.held.get(partition)?.holding
      return holding === 'open' || holding === 'halted'
    })
  }
}

function heldAs(holding: Held['holding'], topic: string): Held {
  const done = Promise.resolve()
  return { holding, topic, from: -1, sinceMs: 0, next: -1, done, wake: () => undefined }
}

/** A log that cannot tell now is asked again. */
function nothing(): undefined {
  return undefined
}
