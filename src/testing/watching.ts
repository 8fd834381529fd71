// Waiting for what becomes of messages: of one, and of all that it causes.
//
// Invariants: W1 deadlines are in real time, so that a clock that is advanced does not use them up.
// W2 a wait that cannot end says why: refused, halted, no node with the role, a log that is down.
// W3 a message has come to rest when it and everything it caused, however far, has its result;
// events cause nothing.

import { ROLES } from '../node/index.ts'
import type { MessageStatus, OutgoingView, Receipt, ResultView } from '../node/index.ts'
import { ERROR_TABLE } from '../std/error-table.ts'
import type { ErrorCode } from '../std/errors.ts'
import { HbError } from '../std/errors.ts'
import { systemClock } from '../std/clock.ts'
import type { TestNodes } from './test-nodes.ts'

export type WaitOptions = {
  /** In real time; default: the network's. */
  readonly timeoutMs?: number
}

/** A message that a contract sent, with the place of the result that sent it. */
export type SentView = OutgoingView & {
  /** The process that sent it. */
  readonly from: string
  readonly slot: number
  /** First value of each tag. */
  readonly tag: Readonly<Record<string, string>>
}

/** A message and everything it caused, at rest. */
export type Settled = {
  /** Of the message itself. */
  readonly result: ResultView
  /** Of all of it, nearest first. */
  readonly results: readonly ResultView[]
  /** What contracts sent on the way, nearest first; events are apart. */
  readonly messages: readonly SentView[]
  readonly events: readonly SentView[]
  /** The results that are errors. */
  readonly errors: readonly ResultView[]
}

/** Messages that one message may cause before `settled` gives up: `test-timeout`. */
export const SETTLE_MESSAGES_MAX = 100_000

const ROUND_MS = 200

export type WatchingOptions = {
  readonly nodes: () => TestNodes
  readonly timeoutMs: number
  readonly isDown: () => boolean
}

export class Watching {
  readonly #o: WatchingOptions

  constructor(options: WatchingOptions) {
    this.#o = options
  }

  /** Errors: what refused the message, `test-timeout`, `test-network-halted`. */
  async receipt(id: string, wait: WaitOptions = {}): Promise<Receipt> {
    const { receipt } = await this.#until(id, 'sequenced', this.#deadline(wait))
    if (receipt === undefined) {
      throw new HbError('test-timeout', `the receipt of ${id} is not known any more`)
    }
    return receipt
  }

  async result(id: string, wait: WaitOptions = {}): Promise<ResultView> {
    return this.#result(id, this.#deadline(wait))
  }

  async settled(id: string, wait: WaitOptions = {}): Promise<Settled> {
    const deadline = this.#deadline(wait)
    const results: ResultView[] = [await this.#result(id, deadline)]
    const sent: SentView[] = []
    // what is found is walked while it grows: nearest first
    for (let at = 0; at < results.length; at++) {
      const own = sentBy([results[at] as ResultView])
      sent.push(...own)
      const relayed = own.filter(({ kind }) => kind !== 'event')
      if (results.length + relayed.length > SETTLE_MESSAGES_MAX) {
        throw new HbError('test-timeout', `${id} caused over ${SETTLE_MESSAGES_MAX} messages`)
      }
      for (const message of relayed) results.push(await this.#result(message.id, deadline))
    }
    return {
      result: results[0] as ResultView,
      results,
      messages: sent.filter(({ kind }) => kind !== 'event'),
      events: sent.filter(({ kind }) => kind === 'event'),
      errors: results.filter(({ status }) => status === 'error'),
    }
  }

  #deadline({ timeoutMs = this.#o.timeoutMs }: WaitOptions): Deadline {
    return { at: systemClock.now() + timeoutMs, timeoutMs }
  }

  async #result(id: string, deadline: Deadline): Promise<ResultView> {
    const { result } = await this.#until(id, 'result', deadline)
    return result as ResultView
  }

  async #until(id: string, stage: 'sequenced' | 'result', end: Deadline): Promise<MessageStatus> {
    for (;;) {
      const nodes = this.#o.nodes()
      const leftMs = Math.max(0, end.at - systemClock.now())
      const status = await nodes.api.waitFor(id, stage, Math.min(leftMs, ROUND_MS))
      const { receipt, result, refusal } = status
      nodes.checkContracts()
      if (result !== undefined || (stage === 'sequenced' && receipt !== undefined)) return status
      if (refusal !== undefined) throw refused(id, refusal)
      nodes.check()
      if (systemClock.now() >= end.at) throw this.#late(status, stage, end)
      // a node that is closing answers at once
      await systemClock.sleep(1)
    }
  }

  #late({ id, stage }: MessageStatus, wanted: string, { timeoutMs }: Deadline): HbError {
    const nodes = this.#o.nodes()
    const needed = wanted === 'result' ? ROLES : (['sequencer'] as const)
    const missing = needed.filter((role) => !nodes.hasRole(role))
    const goal = wanted === 'result' ? 'evaluated' : wanted
    const why = [
      `message ${id} is ${stage} after ${timeoutMs} ms, not ${goal}`,
      ...(missing.length > 0 ? [`no node plays ${missing.join(', ')}`] : []),
      ...(this.#o.isDown() ? ['the log is down: faults.up() ends that'] : []),
    ]
    return new HbError('test-timeout', why.join('; '))
  }
}

type Deadline = { readonly at: number; readonly timeoutMs: number }

/** What results sent, in order. */
export function sentBy(results: readonly ResultView[]): SentView[] {
  return results.flatMap(({ process, slot, messages }) =>
    messages.map((message) => ({ ...message, from: process, slot, tag: tagsOf(message.tags) })),
  )
}

/** First value of each name, as a contract sees its tags. */
export function tagsOf(
  tags: readonly { readonly name: string; readonly value: string }[],
): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { name, value } of tags) if (!Object.hasOwn(found, name)) found[name] = value
  return found
}

function refused(id: string, { code, text }: { code: string; text: string }): HbError {
  const known: ErrorCode = code in ERROR_TABLE ? (code as ErrorCode) : 'node-error'
  return new HbError(known, `${id}: ${text}`)
}
