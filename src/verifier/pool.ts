// The verifier on all cores: requests are merged or cut into jobs, and every job's items are
// claimed by whichever thread is free (arena.ts), so a batch ends on all threads within one item's
// time.
//
// Owners: this file owns the queue, the jobs and the arenas between posts; a thread owns an arena
// from post to answer.
// Invariants: I1 an item of a request is in exactly one place: the queue, one job, the retries, or
// it has its verdict. I2 a job ends when every thread it was posted to has answered or died. I3 an
// item that a thread had in hand when it died is tried once more, alone; the second time it is
// refused. Items nobody had in hand are simply tried again, unless DEATHS_IN_A_ROW_MAX threads died
// with no answer in between (a thread that cannot start). I4 at most `queueItemsMax` items and
// `queueBytesMax` bytes are held, and at most two jobs a thread are in flight.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Verdict } from '../protocol/ans104/index.ts'
import { HbError } from '../std/errors.ts'
import {
  arenaOverhead,
  fillArena,
  HOLDS,
  ID_CHARS,
  itemInHand,
  viewArena,
  type Arena,
} from './arena.ts'
import type { Answer, JobMessage, WorkerSettings } from './messages.ts'
import type { Verifier } from './port.ts'

export type VerifierPoolOptions = {
  /** Default: one for each core. */
  readonly threads?: number
  /** Items held at most, queued and in work. Default 65,536. */
  readonly queueItemsMax?: number
  /** Their bytes at most. Default 64 MiB. */
  readonly queueBytesMax?: number
  /** Owners whose key objects each thread keeps (about 3 KB each). Default 4096. */
  readonly ownersMax?: number
  /** Another thread file, for tests of what happens when a thread dies. */
  readonly workerFile?: URL
}

/** Starts the threads, which keep the OS process alive until `close` has ended them. */
export function createVerifierPool(options: VerifierPoolOptions = {}): Verifier {
  return new VerifierPool(options)
}

const JOB_ITEMS_MAX = 256
const JOB_BYTES_MAX = 1 << 20
// Fewer items than this for each thread are not worth waking another one.
const THREAD_ITEMS_MIN = 4
const ARENA_BYTES_MIN = 1 << 16
const ARENA_BYTES_KEPT = 1 << 21
const DEATHS_IN_A_ROW_MAX = 8

type Request = {
  readonly items: readonly Uint8Array[]
  readonly verdicts: Verdict[]
  readonly resolve: (verdicts: Verdict[]) => void
  /** Items given to jobs so far, and items without a verdict. */
  taken: number
  open: number
}

type Unit = { readonly request: Request; readonly index: number; readonly strikes: number }

type Job = {
  readonly units: readonly Unit[]
  readonly arena: Arena
  readonly threads: Set<Thread>
  readonly refused: Map<number, Verdict>
  /** Items that a thread had in hand when it died. */
  readonly struck: Set<number>
}

type Thread = { readonly place: number; worker: Worker | undefined; readonly jobs: Set<number> }

class VerifierPool implements Verifier {
  readonly #queueItemsMax: number
  readonly #queueBytesMax: number
  readonly #ownersMax: number
  readonly #workerFile: URL
  readonly #threads: readonly Thread[]
  readonly #queue = new Set<Request>()
  #retries: Unit[] = []
  readonly #jobs = new Map<number, Job>()
  #jobNext = 0
  readonly #arenas: SharedArrayBuffer[] = []
  #heldItems = 0
  #heldBytes = 0
  #deathsInARow = 0
  #closing: PromiseWithResolvers<void> | undefined

  constructor(options: VerifierPoolOptions) {
    this.#queueItemsMax = options.queueItemsMax ?? 65_536
    this.#queueBytesMax = options.queueBytesMax ?? 64 << 20
    this.#ownersMax = options.ownersMax ?? 4096
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.#workerFile = options.workerFile ?? new URL(file, import.meta.url)
    const threads = Math.max(1, options.threads ?? availableParallelism())
    this.#threads = Array.from({ length: threads }, (_, place) => {
      return { place, worker: undefined, jobs: new Set<number>() }
    })
    for (const thread of this.#threads) this.#worker(thread, threads)
  }

  async verify(items: readonly Uint8Array[]): Promise<Verdict[]> {
    if (this.#closing !== undefined) throw new HbError('queue-closed', 'verifier')
    if (items.length === 0) return []
    const bytes = byteCount(items)
    if (
      this.#heldItems + items.length > this.#queueItemsMax ||
      this.#heldBytes + bytes > this.#queueBytesMax
    ) {
      throw new HbError('queue-full', 'verifier', {
        data: { items: this.#heldItems, bytes: this.#heldBytes },
      })
    }
    this.#heldItems += items.length
    this.#heldBytes += bytes
    return new Promise((resolve) => {
      const verdicts = new Array<Verdict>(items.length)
      this.#queue.add({ items, verdicts, resolve, taken: 0, open: items.length })
      this.#pump()
    })
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers<void>()
      this.#endWhenIdle()
    }
    return this.#closing.promise
  }

  #pump(): void {
    while (
      this.#jobs.size < 2 * this.#threads.length &&
      (this.#retries.length > 0 || this.#queue.size > 0)
    ) {
      this.#start(this.#retries.length > 0 ? this.#takeRetries() : this.#takeQueued())
    }
  }

  // An item that a thread died on goes alone, so that it can take no other item with it.
  #takeRetries(): Unit[] {
    const alone = this.#retries.findIndex((unit) => unit.strikes > 0)
    const count = alone < 0 ? this.#retries.length : Math.max(1, alone)
    return this.#retries.splice(0, Math.min(count, JOB_ITEMS_MAX))
  }

  #takeQueued(): Unit[] {
    const units: Unit[] = []
    let bytes = 0
    for (const request of this.#queue) {
      while (request.taken < request.items.length) {
        bytes += (request.items[request.taken] as Uint8Array).length
        if (units.length === JOB_ITEMS_MAX || (units.length > 0 && bytes > JOB_BYTES_MAX)) {
          return units
        }
        units.push({ request, index: request.taken++, strikes: 0 })
      }
      this.#queue.delete(request)
    }
    return units
  }

  #start(units: Unit[]): void {
    const items = units.map(itemOf)
    const total = this.#threads.length
    const buffer = this.#takeArena(arenaOverhead(items.length, total) + byteCount(items))
    const arena = viewArena(buffer, items.length, total)
    fillArena(arena, items)
    const wanted = Math.min(total, Math.ceil(items.length / THREAD_ITEMS_MIN))
    const threads = this.#threads.toSorted((a, b) => a.jobs.size - b.jobs.size).slice(0, wanted)
    const id = this.#jobNext++
    this.#jobs.set(id, {
      units,
      arena,
      threads: new Set(threads),
      refused: new Map(),
      struck: new Set(),
    })
    const message: JobMessage = { job: id, items: items.length, buffer }
    for (const thread of threads) {
      thread.jobs.add(id)
      this.#worker(thread, total).postMessage(message)
    }
  }

  #worker(thread: Thread, threads: number): Worker {
    if (thread.worker !== undefined) return thread.worker
    const settings: WorkerSettings = { thread: thread.place, threads, ownersMax: this.#ownersMax }
    const worker = new Worker(this.#workerFile, { workerData: settings })
    thread.worker = worker
    worker.on('message', (answer: Answer) => this.#answered(thread, answer))
    // The exit that follows an error is what counts.
    worker.on('error', () => {})
    worker.on('exit', () => this.#died(thread))
    return worker
  }

  #answered(thread: Thread, answer: Answer): void {
    this.#deathsInARow = 0
    const job = this.#jobs.get(answer.job)
    if (job === undefined) return
    for (const [index, code, text] of answer.refused) {
      job.refused.set(index, { ok: false, code, text })
    }
    this.#leave(thread, answer.job, job)
  }

  #died(thread: Thread): void {
    thread.worker = undefined
    this.#deathsInARow++
    for (const id of [...thread.jobs]) {
      const job = this.#jobs.get(id) as Job
      const index = itemInHand(job.arena, thread.place)
      if (index >= 0) job.struck.add(index)
      this.#leave(thread, id, job)
    }
  }

  #leave(thread: Thread, id: number, job: Job): void {
    thread.jobs.delete(id)
    job.threads.delete(thread)
    if (job.threads.size > 0) return
    this.#jobs.delete(id)
    job.units.forEach((unit, index) => this.#settle(job, unit, index))
    this.#keepArena(job.arena.buffer)
    this.#pump()
    this.#endWhenIdle()
  }

  #settle(job: Job, unit: Unit, index: number): void {
    const { arena } = job
    if (arena.states[index] === HOLDS) {
      const at = 2 * ID_CHARS * index
      const id = arena.ids.toString('latin1', at, at + ID_CHARS)
      const address = arena.ids.toString('latin1', at + ID_CHARS, at + 2 * ID_CHARS)
      return this.#finish(unit, { ok: true, id, address })
    }
    const refused = job.refused.get(index)
    if (refused !== undefined) return this.#finish(unit, refused)
    const strikes = unit.strikes + (job.struck.has(index) ? 1 : 0)
    if (strikes < 2 && this.#deathsInARow < DEATHS_IN_A_ROW_MAX) {
      this.#retries.push({ ...unit, strikes })
      return
    }
    const { message: text } = new HbError('verifier-worker-died')
    this.#finish(unit, { ok: false, code: 'verifier-worker-died', text })
  }

  #finish({ request, index }: Unit, verdict: Verdict): void {
    request.verdicts[index] = verdict
    request.open--
    this.#heldItems--
    this.#heldBytes -= (request.items[index] as Uint8Array).length
    if (request.open === 0) request.resolve(request.verdicts)
  }

  #takeArena(bytes: number): SharedArrayBuffer {
    const index = this.#arenas.findIndex((arena) => arena.byteLength >= bytes)
    if (index >= 0) return this.#arenas.splice(index, 1)[0] as SharedArrayBuffer
    return new SharedArrayBuffer(Math.max(ARENA_BYTES_MIN, 2 ** Math.ceil(Math.log2(bytes))))
  }

  // Where there is no place left, the newest goes in for the oldest: sizes follow what is asked
  // for.
  #keepArena(arena: SharedArrayBuffer): void {
    if (arena.byteLength > ARENA_BYTES_KEPT) return
    if (this.#arenas.length >= 2 * this.#threads.length) this.#arenas.shift()
    this.#arenas.push(arena)
  }

  #endWhenIdle(): void {
    if (this.#closing === undefined || this.#heldItems > 0) return
    const ends = this.#threads.map(async (thread) => thread.worker?.terminate())
    Promise.all(ends).then(() => this.#closing?.resolve(), this.#closing.reject)
  }
}

function itemOf({ request, index }: Unit): Uint8Array {
  return request.items[index] as Uint8Array
}

function byteCount(items: readonly Uint8Array[]): number {
  let bytes = 0
  for (const item of items) bytes += item.length
  return bytes
}
