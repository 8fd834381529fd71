// The connectors of one OS process, and what Kafka Connect's REST does with them. As in Connect's
// standalone mode nothing of them is kept: those of files come again with the files, those made
// over REST live as long as the worker.
//
// Owners: index.ts. Invariants: W1 a name is one connector's. W2 every refusal is a RestError with
// Connect's status. W3 two connectors never share a directory of what is pending.

import { resolve } from 'node:path'
import type { Config } from './config-def.ts'
import type { SinkConfig } from './config.ts'
import { parseConfig } from './config.ts'
import type { WorkerPorts } from './connector-parts.ts'
import { pendingDir } from './connector-parts.ts'
import type { Target } from './connector.ts'
import { Connector } from './connector.ts'
import { Figures } from './figures.ts'
import { RestError } from './rest-error.ts'
import type { Shown } from './sink-task.ts'

export type WorkerOptions = WorkerPorts & {
  /** Of this worker, as Connect names it: host:port of its REST. */
  readonly workerId: () => string
}

type ShownHere = Shown & { readonly worker_id: string }

export class Worker {
  readonly #o: WorkerOptions
  readonly #connectors = new Map<string, Connector>()
  readonly #figures = new Map<string, Figures>()
  #isClosed = false

  constructor(options: WorkerOptions) {
    this.#o = options
  }

  get connectors(): readonly Connector[] {
    return [...this.#connectors.values()]
  }

  /** Throws 400 for what is wrong with it, 409 for a name that is taken. */
  create(given: Config, target: Target): Connector {
    const config = this.#checked(given)
    const { name } = config
    if (this.#connectors.has(name)) throw new RestError(409, `Connector ${name} already exists`)
    return this.#begin(config, target)
  }

  /** It goes on with the new configuration, or is made. */
  async put(given: Config): Promise<{ connector: Connector; isNew: boolean }> {
    const config = this.#checked(given)
    const before = this.#connectors.get(config.name)
    if (before === undefined) return { connector: this.#begin(config, 'RUNNING'), isNew: true }
    await before.close()
    // another request may have been faster
    if (this.#connectors.get(config.name) !== before) throw new RestError(409, IN_BETWEEN)
    return { connector: this.#begin(config, before.target), isNew: false }
  }

  get(name: string): Connector {
    const found = this.#connectors.get(name)
    if (found === undefined) throw new RestError(404, `Connector ${name} not found`)
    return found
  }

  info(connector: Connector): object {
    const { name, config, taskIds } = connector
    return { name, config: config.given, tasks: taskIds, type: 'sink' }
  }

  status(name: string): object {
    const connector = this.#connectors.get(name)
    if (connector === undefined) throw new RestError(404, `No status found for connector ${name}`)
    const tasks = connector.tasksShown().map((shown, id) => ({ id, ...this.#here(shown) }))
    return { name, connector: this.#here(connector.shown()), tasks, type: 'sink' }
  }

  taskStatus(name: string, task: string): object {
    const connector = this.#connectors.get(name)
    const shown = connector?.tasksShown()[numberOf(task)]
    if (shown === undefined) throw new RestError(404, `No status found for task ${name}-${task}`)
    return { id: numberOf(task), ...this.#here(shown) }
  }

  /** It begins, and is shown as such from now on. Throws 404. */
  restart(name: string, includeTasks: boolean, onlyFailed: boolean): void {
    const connector = this.#connectors.get(name)
    if (connector === undefined) throw new RestError(404, `Unknown connector: ${name}`)
    const isAsked = ({ state }: Shown): boolean => !onlyFailed || state === 'FAILED'
    const tasks = connector.tasksShown().flatMap((shown, task) => (isAsked(shown) ? [task] : []))
    void connector.restart(isAsked(connector.shown()), includeTasks ? tasks : [])
  }

  async restartTask(name: string, task: string): Promise<void> {
    const connector = this.get(name)
    if (connector.tasksShown()[numberOf(task)] === undefined) {
      throw new RestError(404, `Task ${name}-${task} not found`)
    }
    await connector.restart(false, [numberOf(task)])
  }

  async delete(name: string): Promise<void> {
    const connector = this.get(name)
    // its name is free when its store is
    await connector.close()
    if (this.#connectors.get(name) !== connector) return
    this.#connectors.delete(name)
    this.#figures.delete(name)
  }

  /** Connect's form of the group's positions. */
  async offsets(name: string): Promise<object> {
    const { group, config } = this.get(name)
    const committed = await this.#o.log.committed(group, config.topic)
    const offsets = committed.flatMap((kafka_offset, kafka_partition) => {
      if (kafka_offset === undefined) return []
      const partition = { kafka_topic: config.topic, kafka_partition }
      return [{ partition, offset: { kafka_offset } }]
    })
    return { offsets }
  }

  /** Refused, always: 404, 400 unless it is stopped, and 400 because the archive says where. */
  refuseOffsets(name: string): never {
    const { target } = this.get(name)
    if (target !== 'STOPPED') {
      const text =
        'Connectors must be in the STOPPED state before their offsets can be modified. ' +
        "This can be done for the specified connector by issuing a 'PUT' request to the " +
        `'/connectors/${name}/stop' endpoint`
      throw new RestError(400, text)
    }
    const text =
      `The offsets of ${name} cannot be altered or reset: the archive says where it goes on. ` +
      'To have heights written again, remove their segments from the archive.'
    throw new RestError(400, text)
  }

  /** Names of connectors that have not ended. */
  unfinished(): string[] {
    return [...this.#connectors.keys()].map((name) => `connector ${name}`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(
      this.connectors.map(async (connector) => {
        await connector.close()
        this.#connectors.delete(connector.name)
      }),
    )
  }

  #here({ state, trace }: Shown): ShownHere {
    const worker_id = this.#o.workerId()
    return { state, worker_id, ...(trace !== undefined && { trace }) }
  }

  #begin(config: SinkConfig, target: Target): Connector {
    if (this.#isClosed) throw new RestError(503, 'The worker is stopping')
    const figures = this.#figures.get(config.name) ?? new Figures()
    this.#figures.set(config.name, figures)
    const connector = new Connector(config, this.#o, figures, target)
    this.#connectors.set(config.name, connector)
    return connector
  }

  #checked(given: Config): SinkConfig {
    const config = parseConfig(given)
    const dir = resolve(pendingDir(config, this.#o))
    const other = this.connectors.find((each) => {
      return each.name !== config.name && resolve(pendingDir(each.config, this.#o)) === dir
    })
    if (other === undefined) return config
    throw new RestError(400, `pending.dir is that of connector ${other.name}: name another one`)
  }
}

const IN_BETWEEN = 'The connector was changed by another request meanwhile; send it again'

function numberOf(text: string): number {
  return /^\d{1,6}$/.test(text) ? Number(text) : -1
}
