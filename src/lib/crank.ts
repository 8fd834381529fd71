// The crank: a contract asks another process something and goes on when the answer comes, in a
// named step. The request queue lives in the contract's own state, so that a restart, a replay or a
// fisher finds it there.
//
// Invariants: C1 a task is taken out before its step runs, so it resumes at most once; what comes
// later, again, from another caller or under another name finds no task and is harmless. C2 a
// bounce or an expiry resumes it like a reply: whatever was parked with it can be given back. C3
// the queue is bounded (REQUESTS_MAX). C4 every number below `head` is free: the oldest task is
// found without a search.
// A step must not throw: its message would be an error, and the task would stay parked until it
// expires.

import { tag } from './messages.ts'
import { refuse } from './refusal.ts'
import type { Tags } from './messages.ts'
import type { Action, Fields, Outgoing } from './types.ts'

/** How many requests one process may have open at a time. */
export const REQUESTS_MAX = 1024

/** A parked task: whom it waits for, by which reply, and the step and context it goes on with. */
export type Task = {
  target: string
  reply: string
  then: string
  context: unknown
  /** Ms: when it was parked. */
  at: number
}

/** In the contract's state: tasks by number; head ≤ every open number < tail. */
export type RequestQueue = { head: number; tail: number; open: number; tasks: Fields<Task> }

export type Outcome = 'reply' | 'bounce' | 'expired'

/** `answer` is the reply or bounce, and on an expiry the message during which it was found. */
export type Step<S> = (
  state: S,
  context: unknown,
  answer: Action,
  outcome: Outcome,
) => Outgoing[] | undefined
export type Steps<S> = Readonly<Record<string, Step<S>>>

export function newQueue(): RequestQueue {
  return { head: 0, tail: 0, open: 0, tasks: {} }
}

export type Request = {
  target: string
  action: string
  tags?: Tags
  /** Action of the notice that answers; `<action>-Reply` where absent. */
  reply?: string
  /** Name of the step to go on with, and JSON that it gets back. */
  then: string
  context: unknown
  /** The timestamp of the message being handled, ms. */
  now: number
}

/** Parks a task and gives the message to send; `requests-full` past REQUESTS_MAX. */
export function request(queue: RequestQueue, wanted: Request): Outgoing {
  if (queue.open >= REQUESTS_MAX) {
    refuse('requests-full', `${REQUESTS_MAX} requests are open; try again later`)
  }
  const { target, action, then, context, now } = wanted
  const reference = String(queue.tail)
  queue.tail += 1
  queue.open += 1
  const reply = wanted.reply ?? `${action}-Reply`
  queue.tasks[reference] = { target, reply, then, context, at: now }
  return { target, tags: { Action: action, ...wanted.tags, Reference: reference } }
}

/**
 * Runs the step that a notice or bounce resumes, and gives its messages; undefined where it resumes
 * none (then the message is something else, or late, doubled or forged).
 */
export function resume<S>(
  queue: RequestQueue,
  state: S,
  action: Action,
  steps: Steps<S>,
): Outgoing[] | undefined {
  if (action.kind !== 'notice' && action.kind !== 'bounce') return undefined
  const reference = tag(action, 'Reference')
  if (reference === undefined || !Object.hasOwn(queue.tasks, reference)) return undefined
  const task = queue.tasks[reference] as Task
  if (task.target !== action.caller) return undefined
  if (action.kind === 'notice' && task.reply !== tag(action, 'Action')) return undefined
  const { then, context } = take(queue, reference)
  return run(steps, then, state, context, action, action.kind === 'bounce' ? 'bounce' : 'reply')
}

/**
 * Resumes as 'expired' at most `most` of the oldest tasks that were parked before `before` (ms).
 * Call it where work comes in, so that a target that never answers cannot fill the queue for ever.
 */
export function expire<S>(
  queue: RequestQueue,
  state: S,
  action: Action,
  steps: Steps<S>,
  before: number,
  most: number,
): Outgoing[] {
  const messages: Outgoing[] = []
  for (let taken = 0; taken < most && queue.open > 0; taken += 1) {
    const reference = String(queue.head)
    if ((queue.tasks[reference] as Task).at >= before) break
    const { then, context } = take(queue, reference)
    messages.push(...(run(steps, then, state, context, action, 'expired') ?? []))
  }
  return messages
}

function take(queue: RequestQueue, reference: string): { then: string; context: unknown } {
  const task = queue.tasks[reference] as Task
  // Copied out of the state, for the step may write to the state what it was given.
  const taken = { then: task.then, context: JSON.parse(JSON.stringify(task.context)) as unknown }
  delete queue.tasks[reference]
  queue.open -= 1
  if (queue.open === 0) queue.head = queue.tail
  else while (!Object.hasOwn(queue.tasks, String(queue.head))) queue.head += 1
  return taken
}

function run<S>(
  steps: Steps<S>,
  then: string,
  state: S,
  context: unknown,
  answer: Action,
  outcome: Outcome,
): Outgoing[] | undefined {
  const step = Object.hasOwn(steps, then) ? steps[then] : undefined
  if (step === undefined) return refuse('step-unknown', `no step is named ${then}`)
  return step(state, context, answer, outcome) ?? []
}
