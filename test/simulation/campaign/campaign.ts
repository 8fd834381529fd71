// Many seeds, one OS process per core: each takes the next seed when it is done with the last.
//
// Invariants: C1 a seed that was begun is counted, also where its OS process dies or hangs. C2
// nothing is begun once the time is over; what is under way is finished. C3 an OS process runs a
// bounded number of seeds, then another one takes its place: what one leaves behind ends with it.

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { PlanChanges } from '../plan.ts'
import type { SeedOutcome } from './outcome.ts'
import { harnessFailure } from './outcome.ts'
import type { SeedOrder } from './seed-child.ts'

const CHILD = fileURLToPath(new URL('./seed-child.ts', import.meta.url))
const SEEDS_PER_CHILD = 40
/** A run of the longest plan takes a small part of it. */
const SEED_MS_MAX = 600_000
const STDERR_CHARS_MAX = 4_000

export type CampaignOptions = {
  readonly jobs: number
  readonly changes: PlanChanges
  /** Undefined: there are no more. */
  readonly nextSeed: () => number | undefined
  readonly onOutcome: (outcome: SeedOutcome) => void
}

/** Resolves when every seed that was begun is told of. */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.jobs }, () => runJob(options)))
}

async function runJob({ changes, nextSeed, onOutcome }: CampaignOptions): Promise<void> {
  let worker: SeedWorker | undefined
  for (let seed = nextSeed(); seed !== undefined; seed = nextSeed()) {
    worker ??= new SeedWorker()
    onOutcome(await worker.run({ seed, changes }))
    if (!worker.isWorn) continue
    worker.end()
    worker = undefined
  }
  worker?.end()
}

/** One child at a time, and what it wrote to stderr. */
class SeedWorker {
  readonly #child: ChildProcess
  #stderr = ''
  #seeds = 0
  #isGone = false

  constructor() {
    this.#child = fork(CHILD, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX)
    })
    this.#child.once('close', () => void (this.#isGone = true))
  }

  /** It takes no more seeds. */
  get isWorn(): boolean {
    return this.#isGone || this.#seeds >= SEEDS_PER_CHILD
  }

  run(order: SeedOrder): Promise<SeedOutcome> {
    this.#seeds += 1
    const child = this.#child
    return new Promise((resolve) => {
      const settle = (outcome: SeedOutcome): void => {
        clearTimeout(timer)
        child.off('message', settle)
        child.off('close', died)
        resolve(outcome)
      }
      const died = (code: number | null, signal: string | null): void => {
        const why = `its OS process ended (${signal ?? code}): ${this.#stderr}`
        settle(harnessFailure(order.seed, why))
      }
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        settle(harnessFailure(order.seed, `no end after ${SEED_MS_MAX / 60_000} minutes`))
        this.#isGone = true
      }, SEED_MS_MAX)
      child.on('message', settle)
      child.on('close', died)
      child.send(order)
    })
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
