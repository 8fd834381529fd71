// One task of a connector, as Kafka Connect counts them: a member of the group with the partitions
// that it is given.
//
// Owners: connector.ts, which calls `begin`, `end` and `restart` one after another. Invariants: T1
// a partition that fails makes its task FAILED, and the task's other partitions go on. T2 `end`
// resolves with no membership left, whatever `begin` was waiting for.

import type { HbError } from '../../src/index.ts'
import { asHbError, traceOf } from './failure.ts'
import type { TaskState } from './partition-task.ts'
import type { ArweaveSink } from './sink.ts'

export type State = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED'

export type Shown = { readonly state: State; readonly trace?: string }

export type SinkTaskOptions = {
  readonly open: () => ArweaveSink
  /** It could not become a member. */
  readonly onFailed: (error: HbError) => void
}

export class SinkTask {
  readonly #o: SinkTaskOptions
  #sink: ArweaveSink | undefined
  #begun: Promise<void> = Promise.resolve()
  #isMember = false
  #isRestarting = false
  #failed: HbError | undefined

  constructor(options: SinkTaskOptions) {
    this.#o = options
  }

  begin(): void {
    const sink = this.#o.open()
    this.#sink = sink
    this.#failed = undefined
    this.#begun = sink.start().then(
      () => {
        if (this.#sink === sink) this.#isMember = true
      },
      (error: unknown) => {
        if (this.#sink !== sink) return
        this.#failed = asHbError(error)
        this.#o.onFailed(this.#failed)
      },
    )
  }

  async end(): Promise<void> {
    const sink = this.#sink
    this.#sink = undefined
    this.#isMember = false
    await sink?.stop()
    await this.#begun
    // it may have joined meanwhile
    await sink?.stop()
  }

  /** Shown as such from now on; resolves when it has begun again. */
  async restart(): Promise<void> {
    try {
      await this.end()
      this.begin()
    } finally {
      this.#isRestarting = false
    }
  }

  /** Until `restart` is through. */
  willRestart(): void {
    this.#isRestarting = true
  }

  /** By partition that it has. */
  partitions(): ReadonlyMap<number, TaskState> {
    return this.#sink?.states() ?? new Map<number, TaskState>()
  }

  /** `running`: what it is where nothing is wrong. */
  shown(running: 'RUNNING' | 'PAUSED'): Shown {
    if (this.#isRestarting) return { state: 'RESTARTING' }
    if (this.#failed !== undefined) return { state: 'FAILED', trace: traceOf(this.#failed) }
    const partitions = [...this.partitions()]
    const failed = partitions.filter(([, { state }]) => state === 'FAILED')
    if (failed.length > 0) return { state: 'FAILED', ...traces(failed) }
    if (!this.#isMember) {
      const waitsFor = this.#sink?.startError
      const trace = waitsFor !== undefined && { trace: traceOf(waitsFor) }
      return { state: 'UNASSIGNED', ...trace }
    }
    // what is tried again is worth a look, though nobody need act
    return { state: running, ...traces(partitions) }
  }
}

function traces(partitions: readonly (readonly [number, TaskState])[]): { trace?: string } {
  const texts = partitions.flatMap(([partition, { error }]) =>
    error === undefined ? [] : [`partition ${partition}: ${traceOf(error)}`],
  )
  return texts.length === 0 ? {} : { trace: texts.join('\n') }
}
