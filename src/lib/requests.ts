// Asking: what a contract parks in its request queue, and sends. What resumes it: crank.ts.
// Invariant: each function parks all that it sends a message for, or refuses and does neither.

import type { Tags } from './messages.ts'
import { dueAt, park, take, taskOf } from './queue.ts'
import type { RequestQueue, Task } from './queue.ts'
import { refuse } from './refusal.ts'
import type { Action, Outgoing } from './types.ts'

/** Requests of one join; `parts-too-many`. */
export const PARTS_MAX = 64

/** Where to go on, and with what. */
export type Resumption = {
  /** The step that a reply resumes; where no `orElse` is named, a bounce and the deadline too. */
  then: string
  orElse?: string
  /** JSON that the step gets back. */
  context: unknown
  /**
   * How long to wait, in ms of the log's time, by default DEADLINE_MS_DEFAULT; a queue without
   * deadlines waits for ever.
   */
  deadlineMs?: number
}

export type Question = {
  target: string
  action: string
  tags?: Tags
  data?: unknown
  /** Action of the notice that answers; `<action>-Reply` where absent. */
  reply?: string
}

/**
 * Parks a task and gives the message to send. A reply of the target, its bounce or the deadline
 * resumes the task, once; `requests-full`.
 */
export function request(
  queue: RequestQueue,
  message: Action,
  wanted: Question & Resumption,
): Outgoing {
  const now = message.timestamp
  const due = dueAt(queue, now, wanted.deadlineMs)
  const number = park(queue, taskFor(wanted, replyOf(wanted), now), due)
  return asked(wanted, number)
}

/**
 * Several requests at once. Resumes when each part is answered or bounced, or at the deadline:
 * `then` where all replied, else `orElse`; the step learns of each part what came of it.
 */
export function all(
  queue: RequestQueue,
  message: Action,
  parts: readonly Question[],
  wanted: Resumption,
): Outgoing[] {
  return joined(queue, message, parts, wanted, 'all')
}

/** As `all`, and resumes `then` at the first reply, `orElse` when every part bounced. */
export function any(
  queue: RequestQueue,
  message: Action,
  parts: readonly Question[],
  wanted: Resumption,
): Outgoing[] {
  return joined(queue, message, parts, wanted, 'any')
}

/** Parks a task that only its deadline resumes; gives its number, for `cancel`. */
export function later(
  queue: RequestQueue,
  message: Action,
  wanted: Resumption & { deadlineMs: number },
): string {
  const now = message.timestamp
  const due = dueAt(queue, now, wanted.deadlineMs)
  return park(queue, taskFor({ ...wanted, target: '' }, '', now), due)
}

/** Takes a timer back; gives its context, or undefined where it has ended already. */
export function cancel(queue: RequestQueue, number: string): { context: unknown } | undefined {
  const task = taskOf(queue, number)
  return task?.target === '' && task.join === undefined ? take(queue, number) : undefined
}

function joined(
  queue: RequestQueue,
  message: Action,
  parts: readonly Question[],
  wanted: Resumption,
  kind: 'all' | 'any',
): Outgoing[] {
  const count = parts.length
  if (count < 1 || count > PARTS_MAX) {
    refuse('parts-too-many', `a join has 1 to ${PARTS_MAX} parts, not ${count}`)
  }
  const now = message.timestamp
  const task = taskFor({ ...wanted, target: '' }, '', now)
  task.join = { kind, count, waiting: count, answers: {} }
  const number = Number(park(queue, task, dueAt(queue, now, wanted.deadlineMs)))
  return parts.map((part) => {
    const { target } = part
    const waiting = { target, reply: replyOf(part), then: '', context: null, at: now, part: number }
    return asked(part, park(queue, waiting, undefined))
  })
}

function taskFor(
  { target, then, orElse, context }: Resumption & { target: string },
  reply: string,
  at: number,
): Task {
  return { target, reply, then, context, at, ...(orElse === undefined ? {} : { orElse }) }
}

function replyOf({ action, reply }: Question): string {
  return reply ?? `${action}-Reply`
}

function asked({ target, action, tags, data }: Question, number: string): Outgoing {
  const sent = { target, tags: { Action: action, ...tags, Reference: number } }
  return data === undefined ? sent : { ...sent, data }
}
