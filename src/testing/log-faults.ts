// A log with faults, as a test scripts them: what a broker can do to an append, and a log that is
// not there for a while. It stands between the nodes and any log, the real one below.
//
// Invariants: F1 scripted faults are used in the order given, each by the first append to its topic
// (and partition) that comes. F2 while the log is down nothing is written, nothing is read, and no
// batch reaches a member; what the members had then is not lost. F3 what is answered is what the
// port allows: nodes cannot tell a scripted fault from a real one.

import type { Batch, JoinOptions, Log, LogRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import { TOPICS, type Topic } from '../protocol/topics.ts'

/**
 * What happens to one append. refused: nothing is written, and the writer is told. lost: nothing is
 * written, and the writer cannot know. unacknowledged: it is written, and the writer cannot know.
 * doubled: it is written twice, and the writer knows of one.
 */
export type AppendFault = 'refused' | 'lost' | 'unacknowledged' | 'doubled'

export type FaultPlace = {
  /** Default `log`: the appends that decide the order. */
  readonly topic?: Topic
  /** Default: any. */
  readonly partition?: number
}

export type Faults = {
  /** Scripts faults for the next appends. */
  next(fault: AppendFault | readonly AppendFault[], place?: FaultPlace): void
  /** Scripted and not met by an append yet. */
  readonly pending: number
  /** Resolves when every scripted fault was met. */
  met(): Promise<void>
  /** The log is not there from now on: appends are refused, reads wait. */
  down(): void
  up(): void
  /** Down for so long, by the network's time; resolves when it is up again. */
  downFor(ms: number): Promise<void>
}

export const FAULTS_MAX = 10_000

const KINDS: ReadonlySet<string> = new Set(['refused', 'lost', 'unacknowledged', 'doubled'])

type Scripted = { readonly fault: AppendFault; readonly topic: string; readonly partition?: number }

export class FaultyLog implements Log {
  readonly #inner: () => Log
  readonly #clock: Clock
  readonly #applicationId: string
  readonly #scripted: Scripted[] = []
  readonly #waiting: (() => void)[] = []
  #down: { readonly over: Promise<void>; readonly end: () => void } | undefined

  /** `inner`: the log as it is now; it may be opened anew between two nodes. */
  constructor(inner: () => Log, clock: Clock, applicationId: string) {
    this.#inner = inner
    this.#clock = clock
    this.#applicationId = applicationId
  }

  faults(): Faults {
    const scripted = this.#scripted
    return {
      next: (fault, place) => this.#script(typeof fault === 'string' ? [fault] : fault, place),
      get pending() {
        return scripted.length
      },
      met: () =>
        scripted.length === 0
          ? Promise.resolve()
          : new Promise((resolve) => void this.#waiting.push(resolve)),
      down: () => this.#goDown(),
      up: () => this.comeUp(),
      downFor: async (ms) => {
        this.#goDown()
        await this.#clock.sleep(ms)
        this.comeUp()
      },
    }
  }

  get isDown(): boolean {
    return this.#down !== undefined
  }

  /** Ends what waits for it, too: a network that closes does not hang on its own fault. */
  comeUp(): void {
    const down = this.#down
    this.#down = undefined
    down?.end()
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    if (this.isDown) throw new HbError('log-append-refused', 'scripted: the log is down')
    const write = (): Promise<number> => this.#inner().append(topic, partition, records)
    const fault = this.#take(topic, partition)
    switch (fault) {
      case undefined:
        return write()
      case 'refused':
        throw new HbError('log-append-refused', 'scripted')
      case 'lost':
        throw new HbError('log-append-unclear', 'scripted: lost')
      case 'unacknowledged':
        await write()
        throw new HbError('log-append-unclear', 'scripted: unacknowledged')
      case 'doubled': {
        const [base] = await Promise.all([write(), write()])
        return base
      }
    }
  }

  async read(...given: Parameters<Log['read']>): ReturnType<Log['read']> {
    const [, , from, options] = given
    await this.#isUp(options?.signal)
    return this.#down === undefined ? this.#inner().read(...given) : { records: [], next: from }
  }

  async ends(topic: string): ReturnType<Log['ends']> {
    await this.#isUp()
    return this.#inner().ends(topic)
  }

  async trim(...given: Parameters<Log['trim']>): Promise<void> {
    await this.#isUp()
    return this.#inner().trim(...given)
  }

  async join(options: JoinOptions): ReturnType<Log['join']> {
    await this.#isUp()
    const { member } = options
    const records = async (batch: Batch): Promise<void> => {
      await this.#isUp()
      return member.records(batch)
    }
    return this.#inner().join({
      ...options,
      member: {
        assigned: (partition, committed) => member.assigned(partition, committed),
        records,
        revoked: (partition) => member.revoked(partition),
        ...(member.standby && { standby: (partitions) => member.standby?.(partitions) }),
        ...(member.holds && { holds: () => member.holds?.() ?? new Map<number, number>() }),
        ...(member.halted && { halted: (partition, error) => member.halted?.(partition, error) }),
      },
    })
  }

  provision: Log['provision'] = (topics) => this.#inner().provision(topics)
  committed: Log['committed'] = (group, topic) => this.#inner().committed(group, topic)
  members: Log['members'] = (group) => this.#inner().members(group)
  describe: Log['describe'] = () => this.#inner().describe()
  close: Log['close'] = () => this.#inner().close()

  #script(faults: readonly AppendFault[], { topic = 'log', partition }: FaultPlace = {}): void {
    const wrong = faults.find((fault) => !KINDS.has(fault))
    if (wrong !== undefined) {
      const known = [...KINDS].join(', ')
      throw new HbError('test-options-invalid', `no fault ${wrong}; there are ${known}`)
    }
    if (!TOPICS.includes(topic)) {
      throw new HbError('test-options-invalid', `no topic ${topic}; there are ${TOPICS.join(', ')}`)
    }
    if (this.#scripted.length + faults.length > FAULTS_MAX) {
      throw new HbError('test-options-invalid', `more than ${FAULTS_MAX} faults are scripted`)
    }
    const name = `${this.#applicationId}.${topic}`
    const place = { topic: name, ...(partition !== undefined && { partition }) }
    this.#scripted.push(...faults.map((fault) => ({ fault, ...place })))
  }

  #take(topic: string, partition: number): AppendFault | undefined {
    const at = this.#scripted.findIndex(
      (each) => each.topic === topic && (each.partition ?? partition) === partition,
    )
    if (at < 0) return undefined
    const [taken] = this.#scripted.splice(at, 1)
    if (this.#scripted.length === 0) for (const met of this.#waiting.splice(0)) met()
    return taken?.fault
  }

  #goDown(): void {
    if (this.#down !== undefined) return
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => (end = resolve))
    this.#down = { over, end }
  }

  async #isUp(signal?: AbortSignal): Promise<void> {
    while (this.#down !== undefined && signal?.aborted !== true) {
      const { over } = this.#down
      if (signal === undefined) await over
      else await Promise.race([over, aborted(signal)])
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
