// A log with planted entries, an archive and a store that outlive the sinks on them; and ports that
// die at a call, as an OS process does: nothing that was asked then or later is ever answered.

import { ArweaveSink } from '../../../connectors/arweave-sink/sink.ts'
import type { SinkLimits } from '../../../connectors/arweave-sink/limits.ts'
import { verifyPartition } from '../../../src/archive/follow.ts'
import type { Archive, Durability } from '../../../src/archive/port.ts'
import type { LocalLog } from '../../../src/log/local/local-log.ts'
import { createMemoryLog } from '../../../src/log/memory/index.ts'
import { passing } from '../../../src/log/passing/index.ts'
import type { Log, Membership } from '../../../src/log/port.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { topicNames, topicSpecs } from '../../../src/protocol/topics.ts'
import { systemClock } from '../../../src/std/clock.ts'
import type { Store } from '../../../src/store/port.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import { memoryArchive, type Items } from '../../archive/memory-archive.ts'
import { plantLog, signer, type PlantedLog } from '../../archive/planted-log.ts'
import { testNetwork } from '../../protocol/fixtures.ts'

export const TOPIC = topicNames('hb').log
export const GROUP = 'connect-arweave-sink'
const FAST: Partial<SinkLimits> = {
  heightsMax: 5,
  flushDelayMsMax: 15,
  pollDelayMs: 5,
  logEndWaitMsMax: 20,
  retryDelayMs: 1,
  retryDelayMsMax: 5,
}

/** Counts calls, and dies at the one of this number: before it has its effect, or after. */
export class Death {
  calls = 0
  readonly #at: number
  readonly #isAfter: boolean
  isDead = false
  #onDead: () => void = () => undefined
  readonly dead = new Promise<void>((resolve) => (this.#onDead = resolve))

  constructor(at: number, isAfter: boolean) {
    this.#at = at
    this.#isAfter = isAfter
  }

  async call<T>(act: () => Promise<T>): Promise<T> {
    if (this.isDead) return new Promise(() => undefined)
    const isLast = ++this.calls === this.#at
    if (isLast && !this.#isAfter) return this.#die()
    const done = await act()
    if (isLast) return this.#die()
    return this.isDead ? new Promise(() => undefined) : done
  }

  #die<T>(): Promise<T> {
    this.isDead = true
    this.#onDead()
    return new Promise(() => undefined)
  }
}

export class SinkRig {
  readonly network: Network
  readonly planted: readonly PlantedLog[]
  readonly items: Items = new Map()
  readonly signer = signer()
  readonly store: Store = createMemoryStore()
  readonly log: LocalLog
  readonly archived: string[] = []
  readonly failures: unknown[] = []

  constructor(counts: readonly number[]) {
    this.network = testNetwork({ partitions: counts.length })
    this.planted = counts.map((count, partition) => plantLog(this.network, partition, count))
    // whoever waits for what is dead waits no longer than this
    this.log = createMemoryLog({ drainTimeoutMs: 10, commitDelayMs: 1 })
  }

  async plant(): Promise<this> {
    await this.log.provision(topicSpecs(topicNames('hb'), this.planted.length))
    for (const [partition, { records }] of this.planted.entries()) {
      await this.log.append(TOPIC, partition, records)
    }
    return this
  }

  /** More entries behind those of a partition. */
  async more(partition: number, count: number): Promise<void> {
    const had = (this.planted[partition] as PlantedLog).entries.length
    const { records } = plantLog(this.network, partition, had + count)
    const isNew = ({ headers }: { headers?: Readonly<Record<string, string>> }): boolean =>
      Number(headers?.['hb-height'] ?? -1) >= had
    await this.log.append(TOPIC, partition, records.filter(isNew))
  }

  async until(isSo: () => boolean, what: string): Promise<void> {
    for (let tried = 0; !isSo(); tried++) {
      if (tried > 2_000) throw new Error(`never: ${what}`)
      await systemClock.sleep(2)
    }
  }

  get archive(): Archive {
    return memoryArchive(this.items, this.signer)
  }

  sink(
    ports: { log?: Log; archive?: Archive; store?: Store } = {},
    limits: Partial<SinkLimits> = {},
    applicationId = 'hb',
    durability: Durability = 'accepted',
  ): ArweaveSink {
    return new ArweaveSink({
      network: this.network,
      log: ports.log ?? this.log,
      archive: ports.archive ?? this.archive,
      store: ports.store ?? this.store,
      clock: systemClock,
      applicationId,
      durability,
      limits: { ...FAST, ...limits },
      onArchived: (partition, from, to) => this.archived.push(`${partition}: ${from}-${to}`),
      onFailed: (_, error) => this.failures.push(error),
    })
  }

  /** A sink whose log, archive and store die together; and how the log's group notices. */
  mortal(death: Death): { sink: ArweaveSink; bury: () => Promise<void> } {
    const { log, archive, store } = this
    let membership: Membership | undefined
    const dyingLog: Log = {
      ...passing(log),
      ends: (topic) => death.call(() => log.ends(topic)),
      read: (topic, partition, from, options) =>
        death.call(() => log.read(topic, partition, from, options)),
      join: (options) =>
        death.call(async () => {
          membership = await log.join(options)
          return membership
        }),
    }
    const dyingArchive: Archive = {
      ...archive,
      prepare: (upload) => death.call(() => archive.prepare(upload)),
      post: (prepared, durability, options) =>
        death.call(() => archive.post(prepared, durability, options)),
      read: (id) => death.call(() => archive.read(id)),
      async *find(tags) {
        yield* await death.call(async () => archive.find(tags))
      },
    }
    const dyingStore: Store = {
      get: (key) => store.get(key),
      range: (options) => store.range(options),
      write: (ops) => death.call(() => store.write(ops)),
      close: () => store.close(),
    }
    const sink = this.sink({ log: dyingLog, archive: dyingArchive, store: dyingStore })
    return { sink, bury: async () => membership?.leave() }
  }

  /** Until the group has committed all that there is. */
  async caughtUp(): Promise<void> {
    for (let tried = 0; tried < 2_000; tried++) {
      const ends = await this.log.ends(TOPIC)
      const committed = await this.log.committed(GROUP, TOPIC)
      if (ends.every(({ end }, at) => (committed[at] ?? 0) === end)) return
      if (this.failures.length > 0) throw this.failures[0]
      await systemClock.sleep(2)
    }
    throw new Error(`not caught up: ${JSON.stringify(await this.log.committed(GROUP, TOPIC))}`)
  }

  /** Heights of the segments by partition, in the order in which they were posted. */
  async segments(): Promise<string[]> {
    const found: string[] = []
    for await (const { tags } of this.archive.find([{ name: 'HB-Type', value: 'Segment' }])) {
      const value = (name: string): string => tags.find((tag) => tag.name === name)?.value ?? '?'
      found.push(`${value('HB-Partition')}: ${value('HB-From')}-${value('HB-To')}`)
    }
    return found
  }

  /** Every entry is in the archive, bit for bit by its hash. */
  async verify(): Promise<number[]> {
    const heights: number[] = []
    for (const [partition, { entries }] of this.planted.entries()) {
      const { archive, network } = this
      const { height, hash } = await verifyPartition({ archive, network }, partition)
      const last = entries[height]
      if (last !== undefined && Buffer.from(last.entry.hash).toString('base64url') !== hash) {
        throw new Error(`partition ${partition} has another hash at height ${height}`)
      }
      heights.push(height)
    }
    return heights
  }

  /** What is committed is in the archive. */
  async checkCommitted(): Promise<void> {
    const heights = await this.verify()
    const committed = await this.log.committed(GROUP, TOPIC)
    for (const [partition, { records, entries }] of this.planted.entries()) {
      const values = new Set(
        records.slice(0, committed[partition] ?? 0).map(({ value }) => value),
      )
      for (const { entry, value } of entries) {
        const isThere = entry.height <= (heights[partition] as number)
        if (values.has(value) && !isThere) throw new Error(`${partition}: ${entry.height} is lost`)
      }
    }
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.store.close()
  }
}

export async function archiveAll(rig: SinkRig): Promise<void> {
  const sink = rig.sink()
  await sink.start()
  await rig.caughtUp()
  await sink.stop()
}

/** A sink that dies at a call, and another one behind it: every entry once, and in order. */
export async function dieAt(at: number, isAfter: boolean): Promise<Death> {
  const rig = await new SinkRig([12]).plant()
  const death = new Death(at, isAfter)
  const { sink, bury } = rig.mortal(death)
  await Promise.race([death.dead, sink.start().then(() => rig.caughtUp())])
  await bury()
  await rig.checkCommitted()
  await archiveAll(rig)
  const segments = (await rig.segments()).join(', ')
  if (segments !== '0: 0-4, 0: 5-9, 0: 10-11') throw new Error(`call ${at}: ${segments}`)
  const [height] = await rig.verify()
  if (height !== 11) throw new Error(`call ${at}: verified up to ${height}`)
  await rig.close()
  return death
}
