// The situations that a run may bring about, by name: what seeds have covered is told by them. A
// name that is not here does not compile where a part of the world says that it saw it.

import type { World } from './world/world.ts'
import type { Cluster, Partition } from './broker/cluster.ts'

export const SITUATIONS = [
  'a bounce',
  'a child was spawned by its module',
  'a child was spawned by its salt',
  'a commit of a former owner was turned away',
  'a listed end is old',
  'a member did not let go in time',
  'a member was expelled',
  'a module was not known to its sender',
  'a position was liquidated',
  'a question ended: bounce',
  'a question ended: expired',
  'a question ended: reply',
  'a request between nodes is lost',
  'a salt was used again',
  'a stale price was refused',
  'a tail that was not replicated is lost',
  'a zombie appended first',
  'a zombie appended',
  'a zombie published',
  'an alarm fired',
  'an alarm missed its time',
  'an alarm that repeats fired',
  'an append of a dead host is written',
  'an append of a frozen host is written',
  'an entry was superseded',
  'an upgrade came from another process',
  'an upgrade failed',
  'an upgrade held: by hash',
  'an upgrade held: by source',
  'an upgrade named an unknown module',
  "archive: a post's answer is lost",
  'archive: a post failed',
  'archive: a post is kept late',
  'archive: an item is not found yet',
  'archive: heights are there twice',
  'archive: reading failed',
  'archive: restoring was killed',
  'append: late',
  'append: lost',
  'append: no-offset',
  'append: refused',
  'append: twice',
  'append: unacknowledged',
  'mischief: blackout',
  'mischief: clock',
  'mischief: compact',
  'mischief: crash-at-call',
  'mischief: cut',
  'mischief: election',
  'mischief: expire-offsets',
  'mischief: freeze',
  'mischief: kill',
  'mischief: lose-disk',
  'mischief: lose-relayed',
  'mischief: power',
  'mischief: rebalance',
  'mischief: reset-offsets',
  'mischief: rot',
  'mischief: stop',
  'offsets: a forged message was passed',
  'offsets: a gap in a channel was passed',
  'offsets: hb.dre went back',
  'offsets: hb.relayer went back',
  'offsets: hb.sequencer went back',
  'power lost with writes not synced',
  'relayed messages are lost',
  'sink: clock',
  'sink: crash-at-call',
  'sink: cut',
  'sink: freeze',
  'sink: kill',
  'sink: lose-disk',
  'sink: stop',
] as const

/** Those with an error code in their name are as many as there are codes: seen, but not expected. */
export type Situation =
  | (typeof SITUATIONS)[number]
  | `result: ${string}`
  | `refused at the door: ${string}`

export type ZombieTopics = { readonly log: string; readonly outbox: string }

/**
 * Tells of appends by a host whose group has given the partition to another one: `first`, where
 * that other one has not appended yet.
 */
export function watchZombies(world: World, cluster: Cluster, topics: ZombieTopics): void {
  const appended = new Map<number, string>()
  cluster.observers.push({
    appended: ({ topic: { spec }, index }: Partition, _records, by) => {
      const isLog = spec.name === topics.log
      if (!isLog && spec.name !== topics.outbox) return
      const owner = cluster.group(isLog ? 'hb.sequencer' : 'hb.dre').ownerHost(index)
      const isZombie = owner !== undefined && owner !== by
      if (isZombie && !isLog) world.saw('a zombie published')
      if (isZombie && isLog) world.saw('a zombie appended')
      if (isZombie && isLog && appended.get(index) !== owner) world.saw('a zombie appended first')
      if (isLog) appended.set(index, owner === by ? by : (appended.get(index) ?? ''))
    },
  })
}
