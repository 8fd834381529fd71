// Where the source of a module is looked for that the store does not have: the topic of modules,
// and then the logs themselves, in which every source stands.
//
// Invariants: S1 whatever is found is checked by its hash (`Modules.learn`). S2 the topic is read
// once: each search goes on where the one before ended. S3 a DRE reads the logs only where a record
// of the topic was lost, and appends what it finds to the topic again.

import { carriedModule } from '../protocol/module-ref.ts'
import type { Records } from '../protocol/codec/records.ts'
import { entryOf } from '../protocol/log-reader.ts'
import type { Message } from '../protocol/message.ts'
import type { Network } from '../protocol/genesis.ts'
import { genesisSpawn } from '../protocol/genesis.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { asBuffer } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'
import type { FindModule, Modules } from './modules.ts'

const RETRY_MS = 50

export type ModuleSearchOptions = {
  readonly network: Network
  readonly log: Log
  readonly topics: TopicNames
  readonly records: Records
}

/**
 * Of a running DRE: whoever named the module had published it, so that it must be there soon; after
 * `waitMsMax` the logs are read.
 */
export function searchModules(
  options: ModuleSearchOptions,
  clock: Clock,
  waitMsMax: number,
  signal: AbortSignal,
): FindModule {
  const topic = new ModuleTopic(options.log, options.topics.modules)
  return async (hash, modules) => {
    const until = clock.now() + waitMsMax
    for (;;) {
      await topic.readInto(modules)
      if (modules.isAtHand(hash)) return true
      if (signal.aborted) return false
      if (clock.now() >= until) return findInLogs(options, hash, modules)
      await clock.sleep(RETRY_MS, signal)
    }
  }
}

/** Of a replay: the topic where there is one, else the genesis and all that the logs hold. */
export function searchLogs(options: ModuleSearchOptions): FindModule {
  const topic = new ModuleTopic(options.log, options.topics.modules)
  return async (hash, modules) => {
    await topic.readInto(modules).catch((error: unknown) => {
      if (!isHbError(error, 'log-topic-unknown')) throw error
    })
    return modules.isAtHand(hash) || (await findInLogs(options, hash, modules))
  }
}

class ModuleTopic {
  readonly #log: Log
  readonly #topic: string
  #next: number | undefined

  constructor(log: Log, topic: string) {
    this.#log = log
    this.#topic = topic
  }

  async readInto(modules: Modules): Promise<void> {
    this.#next ??= (await this.#log.ends(this.#topic))[0]?.start ?? 0
    for (;;) {
      const read = await this.#log.read(this.#topic, 0, this.#next)
      for (const { key, value } of read.records) {
        if (key !== null && value !== null) await modules.learn(key, value)
      }
      this.#next = read.next
      if (read.records.length === 0) return
    }
  }
}

async function findInLogs(
  { network, log, topics, records }: ModuleSearchOptions,
  hash: string,
  modules: Modules,
): Promise<boolean> {
  const take = async (message: Message): Promise<boolean> => {
    const module = carriedModule(network, message)
    if (module?.source === undefined || module.hash !== hash) return false
    await modules.publish(module)
    return true
  }
  for (const process of network.spawns.flat()) {
    if (await take(genesisSpawn(network, process))) return true
  }
  const ends = await log.ends(topics.log)
  for (let partition = 0; partition < ends.length; partition++) {
    const { start, end } = ends[partition] as { start: number; end: number }
    for (let from = start; from < end; ) {
      const read = await log.read(topics.log, partition, from)
      for (const record of read.records) {
        const message = messageIn(network, partition, records, record)
        if (message !== undefined && (await take(message))) return true
      }
      if (read.next === from) break
      from = read.next
    }
  }
  return false
}

/** Superseded or not: what counts is the source's own hash. */
function messageIn(
  network: Network,
  partition: number,
  records: Records,
  { value }: StoredRecord,
): Message | undefined {
  if (value === null || !records.isEntry(value)) return undefined
  try {
    return entryOf(network, partition, records.decodeEntry(asBuffer(value))).message
  } catch (error) {
    if (!isHbError(error)) throw error
    return undefined
  }
}
