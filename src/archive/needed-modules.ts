// Which modules the evaluation of one process needs from outside of its partition: those that its
// own entries name by their hash, and of which no entry of the partition carries the source. (A
// process's spawn may name what was known where it was sent; decision 27.)
//
// Invariant: M1 what is found is a source whose hash was asked for.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { genesisSpawn } from '../protocol/genesis.ts'
import type { Message } from '../protocol/message.ts'
import type { ModuleText } from '../protocol/module-ref.ts'
import { carriedModule, isOwn, isUpgrade, upgradeModule } from '../protocol/module-ref.ts'
import type { LogRecord } from '../log/port.ts'
import { isHbError } from '../std/errors.ts'

export class NeededModules {
  readonly #network: Network
  readonly #process: string
  readonly #carried = new Set<string>()
  readonly #named = new Set<string>()

  constructor(network: Network, process: string) {
    this.#network = network
    this.#process = process
    for (const spawn of network.spawns.flat()) this.note(genesisSpawn(network, spawn))
  }

  /** Every entry of the partition, in order. */
  note(message: Message): void {
    const carried = carriedModule(this.#network, message)
    if (carried?.source !== undefined) this.#carried.add(carried.hash)
    if (message.process !== this.#process) return
    const named = carried ?? this.#upgrade(message)
    if (named?.source === undefined && named !== undefined) this.#named.add(named.hash)
  }

  get missing(): Set<string> {
    return new Set([...this.#named].filter((hash) => !this.#carried.has(hash)))
  }

  #upgrade(message: Message): ReturnType<typeof upgradeModule> | undefined {
    if (!isOwn(message) || !isUpgrade(message)) return undefined
    try {
      return upgradeModule(message, this.#network.genesis.limits)
    } catch (error) {
      if (isHbError(error)) return undefined
      throw error
    }
  }
}

/** The source that an entry carries, if it is one of these. */
export function carriedOf(
  network: Network,
  message: Message,
  hashes: ReadonlySet<string>,
): ModuleText | undefined {
  const module = carriedModule(network, message)
  return module?.source !== undefined && hashes.has(module.hash) ? module : undefined
}

/** As a DRE appends it to the topic of modules. */
export function moduleRecord(records: Records, { engine, source, hash }: ModuleText): LogRecord {
  return { key: hash, value: records.module.encode({ engine, source }) }
}
