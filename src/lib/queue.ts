// The request queue: what a contract waits for, in its own state, so that a restart, a replay or a
// fisher finds it there.
//
// Invariants: Q1 a task leaves the queue once, and before its step runs (`take`). Q2 the queue is
// bounded (REQUESTS_MAX). Q3 every number below `head` is free, `tail` and above too. Q4 tasks with
// a deadline are linked in the order of their deadlines, from `first` to `last`: what is due is
// found without a search, and keys are never listed.

import { ownId, systemId } from './facts.ts'
import { refuse } from './refusal.ts'
import type { Action, Fields } from './types.ts'

/** How many tasks one process may have open at a time; `requests-full`. */
export const REQUESTS_MAX = 1_024
/** How long a request waits where it names no deadline of its own, in a queue that has them. */
export const DEADLINE_MS_DEFAULT = 600_000
/** A year; `deadline-malformed`. */
export const DEADLINE_MS_MAX = 31_536_000_000

/** What came of a part of a join. */
export type Answer = {
  outcome: 'reply' | 'bounce'
  caller: string
  tags: Fields<string>
  data: string
  /** The data was longer than ANSWER_LENGTH_MAX, and is left out. */
  cut?: true
}

/** A join waits for its parts: `count` tasks, numbered from its own number on. */
export type Join = {
  kind: 'all' | 'any'
  count: number
  waiting: number
  /** By the part's place. */
  answers: Fields<Answer>
}

/** A parked task: whom it waits for, by which reply, and the step and context it goes on with. */
export type Task = {
  /** '' for a join and a timer: no message resumes them. */
  target: string
  reply: string
  then: string
  context: unknown
  /** Ms: when it was parked. */
  at: number
  /** The step after a bounce or the deadline, where it is another. */
  orElse?: string
  /** Ms; its neighbours by deadline, '' at either end. Absent once the deadline was told. */
  due?: number
  before?: string
  after?: string
  /** How often its deadline was told and the step failed. */
  told?: number
  join?: Join
  /** Of a part: the number of its join. */
  part?: number
}

/** In the contract's state: tasks by number; head ≤ every open number < tail. */
export type RequestQueue = {
  head: number
  tail: number
  open: number
  tasks: Fields<Task>
  /** This process, where the queue has deadlines. */
  self?: string
  /** The process that takes alarms. */
  clock?: string
  first?: string
  last?: string
  /** Ms: the alarm that the clock was asked for. */
  alarm?: number
  /** Ms: until then it is not asked again, having refused. */
  quiet?: number
}

/** What `take` gives: a copy, since a step may write to the state what it was given. */
export type Taken = Pick<Task, 'then' | 'orElse' | 'context' | 'at' | 'join' | 'part'>

/**
 * With the spawn's message, a queue with deadlines: it knows its process, and the clock: the
 * network's, where the spawn names it, or the one given. Without, one whose tasks wait for ever.
 */
export function newQueue(
  spawn?: Action,
  clock = spawn && systemId(spawn, 'clock'),
): RequestQueue {
  const queue: RequestQueue = { head: 0, tail: 0, open: 0, tasks: {} }
  if (spawn === undefined) return queue
  queue.self = ownId(spawn)
  if (clock !== undefined) queue.clock = clock
  return queue
}

/** The absolute deadline that a request gets, or undefined; `deadline-malformed`. */
export function dueAt(queue: RequestQueue, now: number, deadlineMs?: number): number | undefined {
  if (deadlineMs === undefined) {
    return queue.self === undefined ? undefined : now + DEADLINE_MS_DEFAULT
  }
  if (queue.self === undefined) {
    refuse('deadline-malformed', 'this queue has no deadlines: make it with newQueue(spawn)')
  }
  if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > DEADLINE_MS_MAX) {
    refuse('deadline-malformed', `deadlineMs must be a whole number from 1 to ${DEADLINE_MS_MAX}`)
  }
  return now + deadlineMs
}

/** Parks a task and gives its number; `requests-full` past REQUESTS_MAX. */
export function park(queue: RequestQueue, task: Task, due: number | undefined): string {
  if (queue.open >= REQUESTS_MAX) {
    refuse('requests-full', `${REQUESTS_MAX} requests are open; try again later`)
  }
  const number = String(queue.tail)
  queue.tail += 1
  queue.open += 1
  queue.tasks[number] = task
  if (due !== undefined) link(queue, number, due)
  return number
}

export function taskOf(queue: RequestQueue, number: string): Task | undefined {
  return Object.hasOwn(queue.tasks, number) ? queue.tasks[number] : undefined
}

/** Takes a task that is there out of the queue. */
export function take(queue: RequestQueue, number: string): Taken {
  const { then, orElse, context, at, join, part } = queue.tasks[number] as Task
  const taken = JSON.parse(JSON.stringify({ then, orElse, context, at, join, part })) as Taken
  unlink(queue, number)
  delete queue.tasks[number]
  queue.open -= 1
  if (queue.open === 0) queue.head = queue.tail
  else while (!Object.hasOwn(queue.tasks, String(queue.head))) queue.head += 1
  return taken
}

/** Puts a task into its place by deadline; most deadlines are the latest, and found at once. */
export function link(queue: RequestQueue, number: string, due: number): void {
  let before = queue.last ?? ''
  let after = ''
  while (before !== '') {
    const other = queue.tasks[before] as Task
    if ((other.due as number) <= due) break
    after = before
    before = other.before as string
  }
  const task = queue.tasks[number] as Task
  task.due = due
  task.before = before
  task.after = after
  join(queue, before, number)
  join(queue, number, after)
}

/** Takes a task out of the order of deadlines; it stays parked. */
export function unlink(queue: RequestQueue, number: string): void {
  const task = queue.tasks[number] as Task
  if (task.due === undefined) return
  join(queue, task.before as string, task.after as string)
  delete task.due
  delete task.before
  delete task.after
}

function join(queue: RequestQueue, before: string, after: string): void {
  if (before === '') queue.first = after
  else (queue.tasks[before] as Task).after = after
  if (after === '') queue.last = before
  else (queue.tasks[after] as Task).before = before
}
