// The crank: a contract asks another process something and goes on when the answer comes, in a
// named step. requests.ts parks the task; here an answer, a bounce or the deadline resumes it.
//
// Invariants: C1 a task is taken out before its step runs, so it resumes at most once; what comes
// later, again, from another caller or under another name finds no task and is harmless. C2 a
// bounce or the deadline resumes it like a reply: whatever was parked with it can be given back.
// C3 no task is parked with a step that there is not. C4 a step that throws takes nothing with it:
// its message is an error, the task stays parked until its deadline, and then its `orElse` runs,
// again and again (deadlines.ts) until it does not throw.

import { DEADLINE, expiredTask, keepDeadlines, takeAlarm } from './deadlines.ts'
import type { Crank } from './contract.ts'
import { tag } from './messages.ts'
import { take, taskOf } from './queue.ts'
import type { Answer, Join, RequestQueue, Task } from './queue.ts'
import { refuse } from './refusal.ts'
import type { Action, Outgoing } from './types.ts'

/** Characters of a part's data that a join keeps for its step; longer data is left out. */
export const ANSWER_LENGTH_MAX = 4_096

export type Outcome = 'reply' | 'bounce' | 'expired'

/** How a task ended. */
export type Ended = {
  readonly outcome: Outcome
  /** The reply or bounce, the last of a join's; on an expiry the one that told the deadline. */
  readonly message: Action
  /** Of a join, by part; undefined where none came. */
  readonly answers: readonly (Answer | undefined)[]
  /** Ms: when it was parked. */
  readonly askedAt: number
}

/** Goes on with what was parked; gives what to send. */
export type Step<S, C = unknown> = (state: S, context: C, ended: Ended) => Outgoing[] | undefined
/** Each step says what context it takes: what was parked with it. */
export type Steps<S> = Readonly<Record<string, Step<S, never>>>

export type CrankSpec<S> = {
  /** Made by the spawn: `newQueue(message)`. */
  readonly queue: (state: S) => RequestQueue
  readonly steps: Steps<S>
}

/** What resumes a contract's requests, and has their deadlines told: for `contract({crank})`. */
export function crank<S>({ queue: queueOf, steps }: CrankSpec<S>): Crank<S> {
  return (state, message, inner) => {
    // the queue of a spawn is made by it
    const before = message.kind === 'spawn' ? undefined : queueOf(state)
    const tail = before === undefined ? 0 : before.tail
    const messages = (before && resumed(before, state, message, steps)) ?? inner() ?? []
    const queue = before ?? queueOf(state)
    if (queue.tail > tail) checkSteps(queue, tail, steps)
    const more = keepDeadlines(queue, message, messages)
    return more === undefined ? messages : messages.concat(more)
  }
}

/** What most messages are, work, is told from the rest without a look at the state. */
function resumed<S>(
  queue: RequestQueue,
  state: S,
  message: Action,
  steps: Steps<S>,
): Outgoing[] | undefined {
  if (message.kind === 'message' && message.tags['Action'] !== DEADLINE) return undefined
  return resume(queue, state, message, steps) ?? takeAlarm(queue, message)
}

/** Where a message resumes nothing: undefined; it is something else, or late, doubled or forged. */
function resume<S>(
  queue: RequestQueue,
  state: S,
  message: Action,
  steps: Steps<S>,
): Outgoing[] | undefined {
  const { kind, caller } = message
  const expired = expiredTask(queue, message)
  if (expired !== undefined) return end(queue, expired, state, message, 'expired', steps)
  if (kind !== 'notice' && kind !== 'bounce') return undefined
  const number = tag(message, 'Reference')
  const task = number === undefined ? undefined : taskOf(queue, number)
  if (number === undefined || task === undefined) return undefined
  if (task.target === '' || task.target !== caller) return undefined
  if (kind === 'notice' && task.reply !== tag(message, 'Action')) return undefined
  const outcome = kind === 'bounce' ? 'bounce' : 'reply'
  if (task.part === undefined) return end(queue, number, state, message, outcome, steps)
  const whole = task.part
  take(queue, number)
  const { join } = queue.tasks[String(whole)] as Task
  const ended = answerPart(join as Join, Number(number) - whole - 1, message, outcome)
  return ended === undefined ? [] : end(queue, String(whole), state, message, ended, steps)
}

/** Takes a task out, with what is left of a join's parts, and runs its step. */
function end<S>(
  queue: RequestQueue,
  number: string,
  state: S,
  message: Action,
  outcome: Outcome,
  steps: Steps<S>,
): Outgoing[] {
  const { then, orElse, context, join, at: askedAt } = take(queue, number)
  const answers: (Answer | undefined)[] = []
  for (let part = 0; part < (join?.count ?? 0); part += 1) {
    answers.push(join?.answers[String(part)])
    const waiting = String(Number(number) + part + 1)
    if (taskOf(queue, waiting) !== undefined) take(queue, waiting)
  }
  const name = outcome === 'reply' ? then : (orElse ?? then)
  const ended = { outcome, message, answers, askedAt }
  return stepNamed(steps, name)(state, context as never, ended) ?? []
}

/** Keeps a part's answer; gives the join's outcome where it is the last that was needed. */
function answerPart(
  join: Join,
  part: number,
  message: Action,
  outcome: 'reply' | 'bounce',
): 'reply' | 'bounce' | undefined {
  const { caller, tags, data } = message
  const cut = data.length > ANSWER_LENGTH_MAX
  const answer: Answer = { outcome, caller, tags: { ...tags }, data: cut ? '' : data }
  if (cut) answer.cut = true
  join.answers[String(part)] = answer
  join.waiting -= 1
  if (join.kind === 'any' && outcome === 'reply') return 'reply'
  if (join.waiting > 0) return undefined
  if (join.kind === 'any') return 'bounce'
  for (let at = 0; at < join.count; at += 1) {
    if (join.answers[String(at)]?.outcome !== 'reply') return 'bounce'
  }
  return 'reply'
}

/** C3: of the tasks parked since `from`. */
function checkSteps<S>(queue: RequestQueue, from: number, steps: Steps<S>): void {
  for (let number = from; number < queue.tail; number += 1) {
    const task = taskOf(queue, String(number))
    if (task === undefined || task.part !== undefined) continue
    stepNamed(steps, task.then)
    if (task.orElse !== undefined) stepNamed(steps, task.orElse)
  }
}

function stepNamed<S>(steps: Steps<S>, name: string): Step<S, never> {
  const step = Object.hasOwn(steps, name) ? steps[name] : undefined
  return step ?? refuse('step-unknown', `no step is named ${name}`)
}
