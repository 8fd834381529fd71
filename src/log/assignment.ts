// Who gets which partition, and who keeps a warm copy of it: sticky, balanced, and with regard to
// who has the state. Pure: the same code for the groups of every log.
//
// Invariants: A1 every partition has exactly one owner. A2 sizes differ by at most one, but for
// partitions that stay with their owner until the member they are meant for is warm (A4). A3 no
// balanced assignment moves fewer partitions. A4 with standbys, a partition that has an owner moves
// only to a member that is warm: whose copy lags by at most `lagMax` records. A5 a standby is never
// the owner's.

export type AssignableMember = {
  readonly id: string
  /** Partitions that it owns now. */
  readonly owned: readonly number[]
  /** Partitions whose state it has locally, and how many records that is behind the log's end. */
  readonly holds: ReadonlyMap<number, number>
}

export type AssignmentOptions = {
  readonly partitions: number
  /** Warm copies of each partition, beside its owner's. */
  readonly standbys: number
  /** Records that a copy may lag and still be warm. */
  readonly lagMax: number
}

export type Assignment = {
  /** By partition. */
  readonly owners: readonly string[]
  /** By member: the partitions of which it keeps a copy. */
  readonly standbys: ReadonlyMap<string, readonly number[]>
  /** Partitions that move once their next owner is warm: it has them as a standby until then. */
  readonly moving: ReadonlyMap<string, readonly number[]>
}

type Seat = { readonly member: AssignableMember; room: number }

/** Members are in the order of joining; there must be one. */
export function assignPartitions(
  members: readonly AssignableMember[],
  options: AssignmentOptions,
): Assignment {
  const { partitions, standbys, lagMax } = options
  const current = currentOwners(members, partitions)
  const owners = balanced(members, current)
  const standbyLists = new Map<string, number[]>(members.map(({ id }) => [id, []]))
  const moving = new Map<string, number[]>()
  const byId = new Map(members.map((member) => [member.id, member]))
  owners.forEach((next, partition) => {
    const owner = current[partition]
    if (standbys === 0 || owner === undefined || owner === next) return
    if ((byId.get(next)?.holds.get(partition) ?? Infinity) <= lagMax) return
    owners[partition] = owner
    standbyLists.get(next)?.push(partition)
    const list = moving.get(next)
    if (list === undefined) moving.set(next, [partition])
    else list.push(partition)
  })
  chooseStandbys(members, owners, standbys, standbyLists)
  return { owners, standbys: standbyLists, moving }
}

function currentOwners(
  members: readonly AssignableMember[],
  partitions: number,
): (string | undefined)[] {
  const current = new Array<string | undefined>(partitions).fill(undefined)
  for (const { id, owned } of members) {
    for (const partition of owned) if (partition < partitions) current[partition] ??= id
  }
  return current
}

function balanced(
  members: readonly AssignableMember[],
  current: readonly (string | undefined)[],
): string[] {
  const held = new Map<string, number[]>(members.map(({ id }) => [id, []]))
  current.forEach((owner, partition) => {
    if (owner !== undefined) held.get(owner)?.push(partition)
  })
  // Whoever holds most keeps the larger shares; the sort is stable, so ties go by the order of
  // joining.
  const ordered = [...members].sort(
    (a, b) => (held.get(b.id)?.length ?? 0) - (held.get(a.id)?.length ?? 0),
  )
  const share = Math.floor(current.length / members.length)
  const larger = current.length % members.length
  const target: (string | undefined)[] = current.map(() => undefined)
  const seats = ordered.map((member, rank): Seat => {
    const quota = share + (rank < larger ? 1 : 0)
    const kept = keepable(member.id, held.get(member.id) ?? [], members).slice(0, quota)
    for (const partition of kept) target[partition] = member.id
    return { member, room: quota - kept.length }
  })
  const free = [...target.keys()].filter((partition) => target[partition] === undefined)
  placeByState(free, seats, target)
  for (const seat of seats) {
    for (const partition of free) {
      if (seat.room === 0) break
      if (target[partition] !== undefined) continue
      target[partition] = seat.member.id
      seat.room -= 1
    }
  }
  return target as string[]
}

/** What an owner gives up first is what somebody else has a copy of. */
function keepable(
  id: string,
  held: readonly number[],
  members: readonly AssignableMember[],
): number[] {
  const copies = (partition: number): number =>
    members.filter((other) => other.id !== id && other.holds.has(partition)).length
  return [...held].sort((a, b) => copies(a) - copies(b) || a - b)
}

/** The best copies first, wherever there is room. */
function placeByState(
  free: readonly number[],
  seats: readonly Seat[],
  target: (string | undefined)[],
): void {
  const wishes = free.flatMap((partition) =>
    seats.flatMap((seat) => {
      const lag = seat.member.holds.get(partition)
      return lag === undefined ? [] : [{ partition, seat, lag }]
    }),
  )
  wishes.sort((a, b) => a.lag - b.lag || a.partition - b.partition)
  for (const { partition, seat } of wishes) {
    if (target[partition] !== undefined || seat.room === 0) continue
    target[partition] = seat.member.id
    seat.room -= 1
  }
}

function chooseStandbys(
  members: readonly AssignableMember[],
  owners: readonly string[],
  standbys: number,
  lists: ReadonlyMap<string, number[]>,
): void {
  const load = (id: string): number => lists.get(id)?.length ?? 0
  owners.forEach((owner, partition) => {
    const others = members.filter(
      ({ id }) => id !== owner && lists.get(id)?.includes(partition) !== true,
    )
    const lag = (member: AssignableMember): number => member.holds.get(partition) ?? Infinity
    // subtracting one Infinity from another would be NaN: compared instead
    others.sort((a, b) => (lag(a) === lag(b) ? load(a.id) - load(b.id) : lag(a) < lag(b) ? -1 : 1))
    const had = members.filter(({ id }) => lists.get(id)?.includes(partition) === true).length
    for (const { id } of others.slice(0, Math.max(0, standbys - had))) {
      lists.get(id)?.push(partition)
    }
  })
}
