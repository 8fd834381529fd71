// One seat of the evaluator: a worker thread, its replacement when it dies, its watchdog, and the
// modules it was sent.
//
// Owners: the seat owns the worker and its pending batches; the evaluator reads `processes` and
// owns its content. Invariants: X1–X3 of workers.ts. Y1 the watchdog ends a worker only when no
// command has begun for commandMsMax while one is under way, so many short commands never add up to
// a fault. Y2 a worker that holds nothing and has opened many instances is ended after a while: the
// memory of closed instances is given back then, and hardly before. That loses nothing.

import type { Worker } from 'node:worker_threads'
import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { EvaluatorCommand } from './port.ts'
import type { TableReply } from './table.ts'
import type { WireBatch, WireCommand, WireReplies } from './wire.ts'
import type { ModuleSource } from '../port.ts'

export type SeatOptions = {
  readonly start: (progress: Int32Array) => Worker
  readonly clock: Clock
  readonly commandMsMax: number
  readonly modulesMax: number
  /** How long a worker may hold nothing before it is ended, ms. */
  readonly idleMsMax: number
}

/** A worker that opened fewer instances is not worth a new start. */
const OPENS_WORTH_ENDING = 64

type Pending = {
  readonly count: number
  /** Progress of the worker when this batch's first command begins (Int32, wrapping). */
  readonly first: number
  readonly resolve: (replies: readonly TableReply[]) => void
  readonly reject: (error: unknown) => void
}

export type Seat = {
  readonly processes: Set<string>
  readonly lost: number
  readonly isRunning: boolean
  ready(): Promise<void>
  run(commands: readonly EvaluatorCommand[]): Promise<readonly TableReply[]>
  /** Its last process was closed. */
  emptied(): void
  /** Called when the worker died, before the replies of its batches are seen. */
  onDeath: () => void
  close(): Promise<void>
}

export function createSeat(options: SeatOptions): Seat {
  return new WorkerSeat(options)
}

class WorkerSeat implements Seat {
  readonly processes = new Set<string>()
  lost = 0
  onDeath: () => void = () => undefined
  readonly #options: SeatOptions
  readonly #modules = new Map<string, true>()
  readonly #pending: Pending[] = []
  #worker: Worker | undefined
  #ready: Promise<void> | undefined
  #progress = new Int32Array(new SharedArrayBuffer(4))
  #sent = 0
  #opens = 0
  #closed = false
  #isWatched = false
  #isEnding = false
  readonly #stop = new AbortController()
  #why = ''

  constructor(options: SeatOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  ready(): Promise<void> {
    return (this.#ready ??= this.#start())
  }

  #start(): Promise<void> {
    this.#progress = new Int32Array(new SharedArrayBuffer(4))
    this.#sent = 0
    this.#opens = 0
    this.#why = ''
    this.#modules.clear()
    const worker = this.#options.start(this.#progress)
    this.#worker = worker
    return new Promise<void>((resolve, reject) => {
      worker.on('message', (message: WireReplies | 'ready') => {
        if (message === 'ready') resolve()
        else this.#answer(message)
      })
      worker.on('error', (error) => (this.#why = String(error)))
      worker.on('exit', (code) => {
        if (this.#worker !== worker) return
        const why = this.#why === '' ? `the worker ended with code ${code}` : this.#why
        reject(new HbError('evaluation-fault', why))
        this.#died(why)
      })
    })
  }

  async run(commands: readonly EvaluatorCommand[]): Promise<readonly TableReply[]> {
    if (this.#closed) throw new HbError('evaluator-closed')
    // Nothing is awaited before the batch is in line: two runs keep their order (E1).
    this.ready().catch(() => undefined)
    const batch = this.#wire(commands)
    const first = this.#sent
    this.#sent = (this.#sent + commands.length) | 0
    return new Promise((resolve, reject) => {
      this.#pending.push({ count: commands.length, first, resolve, reject })
      this.#worker?.postMessage(batch)
      if (!this.#isWatched) void this.#watch()
    })
  }

  #wire(commands: readonly EvaluatorCommand[]): WireBatch {
    const sources: ModuleSource[] = []
    const wire = commands.map((command): WireCommand => {
      if (command.kind !== 'open' && command.kind !== 'upgrade') return command
      this.#opens += 1
      const { engine, hash } = command.module
      if (!this.#modules.delete(hash)) sources.push(command.module)
      this.#modules.set(hash, true)
      return { ...command, module: { engine, hash } }
    })
    const forget: string[] = []
    const kept = Math.max(this.#options.modulesMax, sources.length)
    for (const hash of this.#modules.keys()) {
      if (this.#modules.size - forget.length <= kept) break
      forget.push(hash)
    }
    for (const hash of forget) this.#modules.delete(hash)
    return { commands: wire, sources, forget }
  }

  #answer(replies: WireReplies): void {
    this.#pending.shift()?.resolve(replies)
  }

  /** One standing watch for as long as something is pending, not one for each batch. */
  async #watch(): Promise<void> {
    const { clock, commandMsMax } = this.#options
    const { signal } = this.#stop
    this.#isWatched = true
    for (let before: { worker: Worker | undefined; progress: number } | undefined; ;) {
      const worker = this.#worker
      const progress = Atomics.load(this.#progress, 0)
      const [oldest] = this.#pending
      if (oldest === undefined || signal.aborted) break
      const same = before?.worker === worker && before?.progress === progress
      if (same && ((progress - oldest.first) | 0) > 0) {
        this.#why = `one command took longer than ${commandMsMax} ms`
        await worker?.terminate()
      }
      before = { worker, progress }
      await clock.sleep(commandMsMax, signal)
    }
    this.#isWatched = false
  }

  emptied(): void {
    if (this.#opens < OPENS_WORTH_ENDING || this.#isEnding) return
    this.#isEnding = true
    void this.#endIdle(this.#worker).finally(() => {
      this.#isEnding = false
    })
  }

  async #endIdle(worker: Worker | undefined): Promise<void> {
    const { clock, idleMsMax } = this.#options
    // the batch that closed its last process is not sent yet
    await Promise.resolve()
    for (let sent: number | undefined; sent !== this.#sent || this.#pending.length > 0;) {
      sent = this.#sent
      await clock.sleep(idleMsMax, this.#stop.signal)
      const isOther = this.#worker !== worker || this.processes.size > 0
      if (this.#closed || worker === undefined || isOther) return
    }
    this.#worker = undefined
    this.#ready = undefined
    await worker?.terminate()
  }

  #died(why: string): void {
    const running = Atomics.load(this.#progress, 0)
    this.#worker = undefined
    this.#ready = undefined
    if (!this.#closed) this.lost += 1
    const batches = this.#pending.splice(0)
    this.onDeath()
    for (const batch of batches) {
      if (this.#closed) batch.reject(new HbError('evaluator-closed'))
      else batch.resolve(obituary(batch, running, why))
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stop.abort()
    await this.#worker?.terminate()
    this.#died('closed')
  }
}

/**
 * The replies of a batch whose worker died in its `running`th command; before the first, that one
 * is to blame.
 */
function obituary(batch: Pending, running: number, why: string): TableReply[] {
  const culprit = Math.max(0, (running - batch.first - 1) | 0)
  const blamed = running === 0 ? batch.first === 0 : ((running - batch.first) | 0) > 0
  return Array.from({ length: batch.count }, (_, index): TableReply =>
    blamed && index === culprit
      ? { kind: 'fault', code: 'evaluation-fault', text: why }
      : { kind: 'lost' },
  )
}
