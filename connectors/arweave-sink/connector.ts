// One connector of a worker: what it is told to be, and its tasks.
//
// Owners: worker.ts. Invariants: C1 what changes it happens one after another, in the order in
// which it was asked for. C2 a connector that cannot be opened is FAILED, with its reason; the
// worker and other connectors go on. C3 it goes on where the archive ends: nothing of it is kept
// here but what is pending.

import type { HbError } from '../../src/index.ts'
import type { SinkConfig } from './config.ts'
import { CONNECTOR_CLASS } from './config-keys.ts'
import type { Parts, WorkerPorts } from './connector-parts.ts'
import { openParts } from './connector-parts.ts'
import { dismiss } from './dead-letters.ts'
import { asHbError, traceOf } from './failure.ts'
import type { Figures } from './figures.ts'
import type { TaskState } from './partition-task.ts'
import { ArweaveSink } from './sink.ts'
import type { Shown } from './sink-task.ts'
import { SinkTask } from './sink-task.ts'

export type Target = 'RUNNING' | 'PAUSED' | 'STOPPED'

export type TaskId = { readonly connector: string; readonly task: number }

export class Connector {
  readonly config: SinkConfig
  readonly figures: Figures
  readonly #ports: WorkerPorts
  #target: Target
  #turn: Promise<void> = Promise.resolve()
  #parts: Parts | undefined
  #tasks: readonly SinkTask[] = []
  #failed: HbError | undefined
  #isRestarting = false
  #isClosed = false

  constructor(config: SinkConfig, ports: WorkerPorts, figures: Figures, target: Target) {
    this.config = config
    this.figures = figures
    this.#ports = ports
    this.#target = target
    void this.#next(() => this.#follow())
  }

  get name(): string {
    return this.config.name
  }

  get target(): Target {
    return this.#target
  }

  get group(): string {
    return `connect-${this.name}`
  }

  get taskIds(): TaskId[] {
    return this.#tasks.map((_, task) => ({ connector: this.name, task }))
  }

  /** What a task is configured with. */
  get taskConfig(): Readonly<Record<string, string>> {
    return { 'task.class': CONNECTOR_CLASS, ...this.config.given }
  }

  shown(): Shown {
    if (this.#isRestarting) return { state: 'RESTARTING' }
    if (this.#target === 'STOPPED') return { state: 'STOPPED' }
    if (this.#failed !== undefined) return { state: 'FAILED', trace: traceOf(this.#failed) }
    return { state: this.#parts === undefined ? 'UNASSIGNED' : this.#target }
  }

  /** In the order of their numbers; a stopped connector has none. */
  tasksShown(): Shown[] {
    const running = this.#target === 'PAUSED' ? 'PAUSED' : 'RUNNING'
    return this.#tasks.map((task) => task.shown(running))
  }

  /** Of all tasks here, by partition. */
  partitions(): ReadonlyMap<number, TaskState> {
    return new Map(this.#tasks.flatMap((task) => [...task.partitions()]))
  }

  /** Resolves when it is so, or has failed to be. */
  turnTo(target: Target): Promise<void> {
    this.#target = target
    return this.#next(() => this.#follow())
  }

  /** The connector itself, where `isWhole`; and of its tasks those of these numbers. */
  restart(isWhole: boolean, tasks: readonly number[]): Promise<void> {
    this.#isRestarting = isWhole
    for (const task of tasks) this.#tasks[task]?.willRestart()
    return this.#next(async () => {
      // one that did not fail has nothing but its tasks that could begin again
      const isOpened = isWhole && this.#failed !== undefined
      if (isOpened) await this.#follow()
      this.#isRestarting = false
      if (isOpened) return
      for (const task of tasks) await this.#tasks[task]?.restart()
    })
  }

  /** It ends, and is not begun again. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.#next(() => this.#shut())
  }

  #next(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act)
    this.#turn = done.catch((error: unknown) => this.#fail(error))
    return this.#turn
  }

  async #follow(): Promise<void> {
    if (this.#target === 'STOPPED' || this.#isClosed) return this.#shut()
    if (this.#parts !== undefined) return
    this.#failed = undefined
    const parts = await openParts(this.config, this.#ports)
    this.#parts = parts
    const count = Math.min(this.config.tasksMax, parts.network.genesis.partitions)
    this.#tasks = Array.from({ length: count }, (_, task) => this.#task(parts, task))
    for (const task of this.#tasks) task.begin()
    this.#ports.reporter.info('connector-started', `connector ${this.name} runs`, {
      connector: this.name,
      archive: parts.archive.describe(),
    })
  }

  async #shut(): Promise<void> {
    const parts = this.#parts
    const tasks = this.#tasks
    await Promise.all(tasks.map((task) => task.end()))
    this.#parts = undefined
    this.#tasks = []
    this.#failed = undefined
    await parts?.close()
  }

  #task({ network, archive, store, shared }: Parts, task: number): SinkTask {
    const { config, figures } = this
    const { log, clock, reporter } = this.#ports
    const { name, applicationId, durability, limits } = config
    const letters = { config, log, reporter }
    const open = (): ArweaveSink =>
      new ArweaveSink({
        ...{ network, log, archive, store, clock, name, applicationId, durability, limits, shared },
        isPaused: () => this.#target === 'PAUSED',
        onArchived: (partition, from, to, _, bytes) => {
          figures.archived(partition, to - from + 1, bytes)
        },
        onRetried: (partition, error) => this.#retried(partition, error),
        onFailed: (partition, error) => this.#taskFailed(task, asHbError(error), partition),
        onPoison: async (partition, record) => {
          await dismiss(letters, task, partition, record)
          figures.of(partition).poison += 1
        },
      })
    return new SinkTask({ open, onFailed: (error) => this.#taskFailed(task, error) })
  }

  #retried(partition: number | undefined, error: HbError): void {
    if (partition !== undefined) this.figures.retried(partition, error.code)
    const { code, message } = error
    const fields = { connector: this.name, partition, code }
    this.#ports.reporter.warn('sink-retried', `connector ${this.name}: ${message}`, fields)
  }

  #taskFailed(task: number, error: HbError, partition?: number): void {
    const { code, message } = error
    const fields = { connector: this.name, task, partition, code }
    this.#ports.reporter.error('task-failed', `task ${this.name}-${task}: ${message}`, fields)
  }

  #fail(error: unknown): void {
    this.#isRestarting = false
    this.#failed = asHbError(error)
    const { code, message } = this.#failed
    const fields = { connector: this.name, code }
    this.#ports.reporter.error('connector-failed', `connector ${this.name}: ${message}`, fields)
  }
}
