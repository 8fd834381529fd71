// Where the groups of an application stand in the topics that they consume.

import type { Log } from '../log/port.ts'

export type GroupPosition = {
  /** First offset retained, and the next to be written. */
  readonly start: number
  readonly end: number
  /** undefined: the group has no position. */
  readonly committed: number | undefined
  /** Records. */
  readonly lag: number
}

/** By partition. Positions are asked for first: they only grow, so that no end is older. */
export async function groupPositions(
  log: Log,
  group: string,
  topic: string,
): Promise<GroupPosition[]> {
  const { lagOf } = await import('../log/resume/index.ts')
  const committed = await log.committed(group, topic)
  return (await log.ends(topic)).map((ends, at) => {
    return { ...ends, committed: committed[at], lag: lagOf(ends, committed[at]) }
  })
}
