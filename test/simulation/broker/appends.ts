// A host's appends, and what goes wrong with them as faults.ts draws it: refused, lost, written
// with no word of it, late or twice, or lost with a leader that had not replicated them.
//
// Owners: sim-log.ts has those of one log. Invariants: A1 an append is refused only where nothing
// of it is ever written. A2 what is told to conduct.ts is what the host knows of it, not what
// happened.

import type { LogRecord } from '../../../src/log/port.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import { HbError } from '../../../src/std/errors.ts'
import type { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'
import type { Answer, Calls } from './calls.ts'
import type { Cluster, Partition } from './cluster.ts'
import type { Faults } from './faults.ts'

const LOG_TOPIC = topicNames('hb').log

/** Until then nobody reads what was appended, and a new leader does not have it. */
const REPLICATION_US = 300

const cutOff = (): Error => new HbError('log-append-unclear', 'cut off')

export class Appends {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #host: Host
  readonly #faults: Faults
  readonly #calls: Calls

  constructor(cluster: Cluster, host: Host, faults: Faults, calls: Calls) {
    this.#world = cluster.world
    this.#cluster = cluster
    this.#host = host
    this.#faults = faults
    this.#calls = calls
  }

  async append(topic: string, index: number, records: readonly LogRecord[]): Promise<number> {
    this.#calls.checkOpen()
    if (topic !== LOG_TOPIC) return this.#append(topic, index, records)
    const { conduct } = this.#cluster
    const isClaim = records[0]?.headers?.['hb-kind'] === 'claim'
    conduct.appends(this.#host.name, index)
    try {
      const base = await this.#append(topic, index, records)
      // of a claim it does not matter where it landed: it is read
      if (base < 0 && !isClaim) conduct.unclear(this.#host.name, index)
      return base
    } catch (error) {
      conduct.unclear(this.#host.name, index)
      throw error
    }
  }

  #append(topic: string, index: number, records: readonly LogRecord[]): Promise<number> {
    const partition = this.#cluster.partition(topic, index)
    this.#cluster.checkBatch(partition.topic, records)
    // as an adapter encodes it at once
    const batch = records.map((record) => ({
      ...record,
      value: record.value === null ? null : Buffer.from(record.value),
    }))
    const serve = (answer: Answer<number>): void => this.#serve(partition, batch, answer)
    const written = this.#calls.call<number>(serve, cutOff)
    return this.#host.gauges.during(`${topic} ${index}`, written)
  }

  /** At the brokers, where the batch has arrived. */
  #serve(partition: Partition, batch: readonly LogRecord[], answer: Answer<number>): void {
    if (this.#cluster.isDown(partition)) {
      // some of what waits for a leader is given up on, some was never taken
      const refused = this.#world.random('faults').below(2) === 0
      return answer.error(new HbError(refused ? 'log-append-refused' : 'log-append-unclear'))
    }
    const fault = this.#faults.append()
    const write = (): number => this.#write(partition, batch, fault.kind)
    const unclear = (): void => {
      const failed = new HbError('log-append-unclear', 'simulated')
      this.#world.after(this.#faults.unclearAfter(), () => answer.error(failed))
    }
    switch (fault.kind) {
      case 'none': {
        const { epoch } = partition
        partition.onAppend?.()
        this.#world.after(REPLICATION_US, () => {
          if (partition.epoch === epoch) return answer.value(write())
          this.#world.saw('a tail that was not replicated is lost')
          unclear()
        })
        return
      }
      case 'refused':
        return answer.error(new HbError('log-append-refused', 'simulated'))
      case 'lost':
        return unclear()
      case 'unacknowledged':
        write()
        return unclear()
      case 'no-offset':
        write()
        return answer.value(-1)
      case 'late':
        unclear()
        this.#world.after(fault.delayUs, write)
        return
      case 'twice': {
        const first = write()
        if (!fault.answerSecond) answer.value(first)
        this.#world.after(fault.delayUs, () => {
          const second = write()
          if (fault.answerSecond) answer.value(second)
        })
      }
    }
  }

  #write(partition: Partition, records: readonly LogRecord[], how: string): number {
    const { name } = partition.topic.spec
    if (!this.#host.isAlive) this.#world.saw('an append of a dead host is written')
    else if (this.#host.isFrozen) this.#world.saw('an append of a frozen host is written')
    const base = this.#cluster.append(partition, records, this.#host.name)
    const what = `${name}[${partition.index}] ${base}+${records.length}`
    this.#world.trace(`${this.#host.name} appends ${what} ${how}`)
    return base
  }
}
