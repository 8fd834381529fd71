// Who gets which partition: sticky and balanced. Pure.
// Invariants: every partition has exactly one owner; sizes differ by at most one; no assignment
// that is balanced moves fewer partitions.

/**
 * `current`: owner per partition (undefined: none). Returns the owner per partition; members must
 * not be empty.
 */
export function assignPartitions(
  current: readonly (string | undefined)[],
  members: readonly string[],
): string[] {
  const held = new Map<string, number[]>(members.map((member) => [member, []]))
  current.forEach((owner, partition) => {
    if (owner !== undefined) held.get(owner)?.push(partition)
  })
  // Whoever holds most keeps the larger shares; the sort is stable, so ties go by the order of
  // joining.
  const ordered = [...members].sort((a, b) => held.get(b)!.length - held.get(a)!.length)
  const share = Math.floor(current.length / members.length)
  const larger = current.length % members.length
  const target: (string | undefined)[] = current.map(() => undefined)
  const room: string[] = []
  ordered.forEach((member, rank) => {
    const quota = share + (rank < larger ? 1 : 0)
    const kept = held.get(member)!.slice(0, quota)
    for (const partition of kept) target[partition] = member
    for (let free = kept.length; free < quota; free++) room.push(member)
  })
  return target.map((owner) => owner ?? (room.shift() as string))
}
