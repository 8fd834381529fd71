// Lives that end: a log and a store as one OS process sees them, which at its death hang for ever,
// in the middle of whatever was under way. What reached the log or the store before stays.

import type { Log, Membership } from '../../src/log/port.ts'
import type { Clock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'

export type Life = {
  alive: boolean
  /** Appends until death: at the last one it dies, before or after it is in the log. */
  appends: number
  readonly lastIsWritten: boolean
  /** Called at death. */
  died: () => void
  membership: Membership | undefined
  /** Ends the pauses of the dead, which would keep the tests' own process from ending. */
  readonly ended: AbortController
}

export function newLife(appends = Infinity, lastIsWritten = true): Life {
  return {
    alive: true,
    appends,
    lastIsWritten,
    died: () => undefined,
    membership: undefined,
    ended: new AbortController(),
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

/** Ends it now; resolves when the group has given its partitions away. */
export async function die(life: Life): Promise<void> {
  life.alive = false
  life.ended.abort()
  await life.membership?.leave()
}

export function mortalLog(log: Log, life: Life): Log {
  const living = async <T>(act: () => Promise<T>): Promise<T> => {
    if (!life.alive) return never()
    const result = await act()
    return life.alive ? result : never()
  }
  return {
    provision: (topics, options) => log.provision(topics, options),
    read: (topic, partition, from, options) =>
      living(() => log.read(topic, partition, from, options)),
    ends: (topic) => living(() => log.ends(topic)),
    trim: (topic, partition, before) => living(() => log.trim(topic, partition, before)),
    committed: (group, topic) => log.committed(group, topic),
    members: (group) => log.members(group),
    describe: () => log.describe(),
    close: () => log.close(),
    async append(topic, partition, records) {
      if (!life.alive) return never()
      life.appends -= 1
      if (life.appends > 0) return living(() => log.append(topic, partition, records))
      life.alive = false
      if (life.lastIsWritten) await log.append(topic, partition, records)
      life.died()
      return never()
    },
    async join(options) {
      const { member } = options
      const membership = await log.join({
        ...options,
        member: {
          assigned: (partition, committed) => living(() => member.assigned(partition, committed)),
          records: (batch) => living(() => member.records(batch)),
          revoked: (partition) => (life.alive ? member.revoked(partition) : Promise.resolve()),
          standby: (partitions) => {
            if (life.alive) member.standby?.(partitions)
          },
          holds: () => member.holds?.() ?? new Map<number, number>(),
          halted: (partition, error) => {
            if (life.alive) member.halted?.(partition, error)
          },
        },
      })
      life.membership = membership
      return membership
    },
  }
}

/** Pauses that never end once it is dead. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    sleep: async (delayMs, signal) => {
      if (!life.alive) return never()
      const { signal: ended } = life.ended
      await clock.sleep(delayMs, signal ? AbortSignal.any([signal, ended]) : ended)
      return life.alive ? undefined : never()
    },
  }
}

/** What a restored disk gives: the store as it is now, whatever is written to it later. */
export async function copyOf(store: Store): Promise<Store> {
  const copy = createMemoryStore()
  const all = [...store.range({ from: ' ', to: '\u{10ffff}' })]
  await copy.write(all.map(({ key, value }) => ({ key, value })))
  return copy
}

export function mortalStore(store: Store, life: Life): Store {
  return {
    get: (key) => store.get(key),
    range: (options) => store.range(options),
    write: async (ops) => {
      if (!life.alive) return never()
      await store.write(ops)
      return life.alive ? undefined : never()
    },
    close: () => store.close(),
  }
}
