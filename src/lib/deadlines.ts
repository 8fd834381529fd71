// Deadlines: how a task whose answer does not come is resumed all the same.
//
// Time is the log's, and passes for a process only while messages come. So the network's clock is
// asked for an alarm at the first deadline, one at a time: a request costs no message for it while
// an earlier one is set. Whatever message then finds tasks due, an alarm or work, tells each
// deadline by a message of the process to itself, and that one runs the step: a step that throws,
// or takes all the gas, hurts no other task and nobody's request.
//
// Invariants: D1 what is due leaves the order of deadlines when it is told, and stays parked until
// its step has run. D2 a step that failed is told again, each time after twice as long. D3 only
// the clock's alarm and the process's own message count; neither, come again or forged, ends a
// task that was not due. D4 a message that is short of hops, count or room tells nothing: no
// request fails for want of what deadlines take. D5 without a clock, or where it refuses, deadlines
// are told when work comes in.

import { tag } from './messages.ts'
import { link, taskOf, unlink } from './queue.ts'
import type { RequestQueue, Task } from './queue.ts'
import type { Action, Outgoing } from './types.ts'

/** Deadlines that one message tells. */
export const TOLD_PER_MESSAGE_MAX = 8
/** What the step of an expired task may cause. */
export const EXPIRED_COUNT = 16
/** A message with less left, or that sends more, is none to burden with deadlines (D4). */
export const SPARE_HOPS_MIN = 8
export const SPARE_COUNT_MIN = 1_024
export const SPARE_MESSAGES_MAX = 48
/** An alarm this late is taken for lost. */
export const ALARM_LATE_MS = 60_000
/** How long the clock is left alone that refused an alarm. */
export const ALARM_RETRY_MS = 60_000
/** After a step failed; doubled each time, up to EXPIRY_DOUBLINGS_MAX times. */
export const EXPIRY_RETRY_MS = 60_000
export const EXPIRY_DOUBLINGS_MAX = 11

/** The Action of what a process sends itself of a task that is due, in `X-Deadline`. */
export const DEADLINE = 'Deadline'
/** The one alarm of this process that is the crank's. */
const ALARM = 'hb-deadline'

/** The number of the task whose deadline this message tells. */
export function expiredTask(queue: RequestQueue, message: Action): string | undefined {
  if (message.kind !== 'message' || tag(message, 'Action') !== DEADLINE) return undefined
  if (queue.self !== message.caller) return undefined
  const number = tag(message, 'X-Deadline')
  // told, and not linked again since
  const task = number === undefined ? undefined : taskOf(queue, number)
  return task?.told === undefined || task.due !== undefined ? undefined : number
}

/**
 * Takes the clock's alarm, its refusal of one, and the failure of an expired task's step; undefined
 * where the message is none of these.
 */
export function takeAlarm(queue: RequestQueue, message: Action): Outgoing[] | undefined {
  if (isAlarm(queue, message)) {
    delete queue.alarm
    return []
  }
  const { kind, caller, timestamp: now } = message
  if (kind !== 'bounce') return undefined
  if (caller === queue.clock && tag(message, 'X-Alarm') === ALARM) {
    delete queue.alarm
    queue.quiet = now + ALARM_RETRY_MS
    return []
  }
  const number = tag(message, 'X-Deadline')
  if (caller !== queue.self || number === undefined) return undefined
  const task = taskOf(queue, number)
  if (task?.told === undefined || task.due !== undefined) return undefined
  const doublings = Math.min(task.told - 1, EXPIRY_DOUBLINGS_MAX)
  link(queue, number, now + EXPIRY_RETRY_MS * 2 ** doublings)
  return []
}

/** After the message: tells what is due, and has the clock wake this process for what is not. */
export function keepDeadlines(
  queue: RequestQueue,
  message: Action,
  sent: readonly Outgoing[],
): Outgoing[] | undefined {
  if ((queue.first ?? '') === '') return undefined
  const self = queue.self as string
  const left = spare(queue, message, sent)
  if (left === 0) return undefined
  const now = message.timestamp
  const messages: Outgoing[] = []
  const most = Math.min(TOLD_PER_MESSAGE_MAX, Math.floor((left - 1) / (EXPIRED_COUNT + 1)))
  while (messages.length < most && queue.first !== '') {
    const number = queue.first as string
    const task = queue.tasks[number] as Task
    if ((task.due as number) > now) break
    unlink(queue, number)
    task.told = (task.told ?? 0) + 1
    const tags = { Action: DEADLINE, 'X-Deadline': number }
    messages.push({ target: self, tags, count: EXPIRED_COUNT })
  }
  const alarm = setAlarm(queue, now)
  if (alarm !== undefined) messages.push(alarm)
  return messages
}

/** How many messages this one may spend on deadlines: all it has, if it is the alarm. */
function spare(queue: RequestQueue, message: Action, sent: readonly Outgoing[]): number {
  const { hops, count } = message
  if (isAlarm(queue, message)) return hops < 1 ? 0 : count
  if (hops < SPARE_HOPS_MIN || sent.length > SPARE_MESSAGES_MAX) return 0
  let left = count - sent.length
  for (const { count: named = 0 } of sent) left -= named
  return left < SPARE_COUNT_MIN ? 0 : left
}

function setAlarm(queue: RequestQueue, now: number): Outgoing | undefined {
  const { clock, first = '', alarm, quiet = 0 } = queue
  if (clock === undefined || first === '' || quiet > now) return undefined
  const at = Math.max((queue.tasks[first] as Task).due as number, now + 1)
  if (alarm !== undefined && alarm <= at && alarm + ALARM_LATE_MS > now) return undefined
  queue.alarm = at
  const tags = { Action: 'Set-Alarm', Name: ALARM, At: String(at), 'X-Alarm': ALARM }
  return { target: clock, tags, count: 0 }
}

function isAlarm(queue: RequestQueue, message: Action): boolean {
  return (
    message.kind === 'notice' &&
    tag(message, 'Action') === 'Alarm' &&
    tag(message, 'Name') === ALARM &&
    queue.clock === message.caller
  )
}
