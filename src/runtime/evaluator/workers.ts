// The evaluator with worker threads: spreads processes over workers, keeps each where it is
// (sticky), sends each worker one message per `run` and takes one back.
//
// Owners: a Seat owns one worker thread and what was sent to it and not answered. The evaluator
// owns the seats, the place of every process, and the ledger.
//
// Invariants: E1–E4 of port.ts. X1 a seat answers its batches in the order they were sent, so the
// oldest pending one is the next answered. X2 when a worker dies, its batches' commands become
// `lost`, but the one that was running, a `fault`; all its processes are forgotten before any of
// these replies is seen. X3 a seat that lost its worker gets a new one only when it is needed.
// X4 of one batch, the commands of a process run one after another (E1 orders no two processes):
// each sandbox has a memory of its own, and what a message touches of it comes from main memory
// where others ran in between, which took longer than the message itself.

import { Worker } from 'node:worker_threads'
import { systemClock, type Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { loadEngine } from '../quickjs/engine.ts'
import { createLedger, type Ledger } from './ledger.ts'
import type { Evaluator, EvaluatorCommand, EvaluatorReply, WorkerEvaluatorOptions } from './port.ts'
import { createSeat, type Seat } from './seat.ts'

const PENDING_MAX = 65_536
const MODULES_MAX = 1_024
const COMMAND_MS_MAX = 60_000
const IDLE_MS_MAX = 2_000
const STACK_MB = 8

/** Of one batch, what one seat gets: process → the indexes of its commands. */
type Share = Map<string, number[]>

/**
 * Resolves when every worker is ready; rejects with the first one's error where one cannot start.
 */
export async function createWorkerEvaluator(
  options: WorkerEvaluatorOptions,
  clock: Clock = systemClock,
): Promise<Evaluator> {
  const engine = loadEngine()
  const ledger = createLedger(options.faultsMax)
  const url = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
  const start = (progress: Int32Array): Worker =>
    new Worker(url, {
      resourceLimits: { stackSizeMb: STACK_MB },
      workerData: {
        hostUrl: options.hostUrl,
        hostData: options.hostData,
        limits: options.limits,
        engine: engine.module,
        progress,
      },
    })
  const seats = Array.from({ length: options.workers }, () =>
    createSeat({
      start,
      clock,
      commandMsMax: options.commandMsMax ?? COMMAND_MS_MAX,
      modulesMax: options.modulesMax ?? MODULES_MAX,
      idleMsMax: options.workerIdleMsMax ?? IDLE_MS_MAX,
    }),
  )
  try {
    await Promise.all(seats.map((seat) => seat.ready()))
  } catch (error) {
    await Promise.all(seats.map((seat) => seat.close()))
    throw error
  }
  return new WorkerEvaluator(seats, ledger, options)
}

class WorkerEvaluator implements Evaluator {
  readonly levels: readonly number[]
  readonly #seats: readonly Seat[]
  readonly #ledger: Ledger
  readonly #pendingMax: number
  /** Where each process is: from its `open` until it is closed, refused or lost. */
  readonly #places = new Map<string, Seat>()
  #pending = 0
  #closed = false

  constructor(seats: readonly Seat[], ledger: Ledger, options: WorkerEvaluatorOptions) {
    this.#seats = seats
    this.#ledger = ledger
    this.levels = options.levels
    this.#pendingMax = options.commandsPendingMax ?? PENDING_MAX
    for (const seat of seats) seat.onDeath = () => this.#forget(seat)
  }

  async run(commands: readonly EvaluatorCommand[]): Promise<EvaluatorReply[]> {
    if (this.#closed) throw new HbError('evaluator-closed')
    if (this.#pending + commands.length > this.#pendingMax) {
      throw new HbError('evaluator-full', `${this.#pending} are pending`)
    }
    const replies = new Array<EvaluatorReply>(commands.length)
    const shares = this.#share(commands, replies)
    this.#pending += commands.length
    try {
      await Promise.all(
        [...shares].map(async ([seat, byProcess]) => {
          const indexes = [...byProcess.values()].flat()
          const share = indexes.map((index) => commands[index] as EvaluatorCommand)
          const answered = await seat.run(share)
          answered.forEach((reply, i) => {
            const index = indexes[i] as number
            const command = commands[index] as EvaluatorCommand
            replies[index] = this.#ledger.record(command, reply)
            const gone = reply.kind === 'refused' || reply.kind === 'fault' || reply.kind === 'lost'
            if (gone) this.#leave(command.process, seat)
          })
        }),
      )
    } finally {
      this.#pending -= commands.length
    }
    return replies
  }

  /** Which seat gets which of the commands; what is open nowhere is answered at once. */
  #share(commands: readonly EvaluatorCommand[], replies: EvaluatorReply[]): Map<Seat, Share> {
    const shares = new Map<Seat, Share>()
    commands.forEach((command, index) => {
      const { process } = command
      let seat = this.#places.get(process)
      if (seat === undefined && command.kind === 'open') seat = this.#place(process)
      if (seat === undefined) {
        replies[index] = command.kind === 'close' ? { kind: 'closed' } : { kind: 'lost' }
        return
      }
      if (command.kind === 'close') this.#leave(process, seat)
      let share = shares.get(seat)
      if (share === undefined) shares.set(seat, (share = new Map<string, number[]>()))
      const indexes = share.get(process)
      if (indexes === undefined) share.set(process, [index])
      else indexes.push(index)
    })
    return shares
  }

  #place(process: string): Seat {
    const seat = this.#seats.reduce((best, next) =>
      next.processes.size < best.processes.size ? next : best,
    )
    this.#places.set(process, seat)
    seat.processes.add(process)
    return seat
  }

  #leave(process: string, seat: Seat): void {
    if (this.#places.get(process) !== seat) return
    this.#places.delete(process)
    seat.processes.delete(process)
    if (seat.processes.size === 0) seat.emptied()
  }

  #forget(seat: Seat): void {
    this.#ledger.forget(seat.processes)
    for (const process of [...seat.processes]) this.#leave(process, seat)
  }

  figures(): ReturnType<Evaluator['figures']> {
    return {
      workers: this.#seats.length,
      workersRunning: this.#seats.filter((seat) => seat.isRunning).length,
      open: this.#ledger.open,
      memoryBytes: this.#ledger.memoryBytes,
      commandsPending: this.#pending,
      workersLost: this.#seats.reduce((sum, seat) => sum + seat.lost, 0),
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#seats.map((seat) => seat.close()))
  }
}
