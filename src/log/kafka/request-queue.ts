// The timers of kafkajs' request queue (1 ms and 100 ms, for ever), replaced by such as run only
// while something is under way. Owners: connection.ts, for each connection.
//
// Invariant: Q1 a request is late by the time that the broker could have listened to it, no other.

import type Connection from 'kafkajs/src/network/connection.js'
import type { Clock } from '../../std/clock.ts'
import type { Mute } from './mute.ts'

/**
 * kafkajs asks every millisecond whether anything may be sent: asked only while something waits.
 */
export function quieten(queue: Connection['requestQueue'], clock: Clock): void {
  let isWaiting = false
  queue.scheduleCheckPendingRequests = () => {
    if (isWaiting || queue.pending.length === 0) return
    isWaiting = true
    void clock.sleep(Math.max(1, queue.throttledUntil - clock.now())).then(() => {
      isWaiting = false
      queue.checkPendingRequests()
    })
  }
}

export type TimeoutOptions = {
  readonly clock: Clock
  readonly checkMs: number
  readonly signal: AbortSignal
  readonly mute: Mute
}

/** kafkajs looks ten times a second whether a request took too long: looked only while one may. */
export function checkTimeouts(
  queue: Connection['requestQueue'],
  { clock, checkMs, signal, mute }: TimeoutOptions,
): void {
  let isRunning = false
  const check = async (): Promise<void> => {
    isRunning = true
    while (queue.inflight.size > 0 && !signal.aborted) {
      await clock.sleep(checkMs, signal)
      for (const request of queue.inflight.values()) {
        const from = Math.max(request.sentAt, mute.until)
        if (clock.now() - from > request.requestTimeout) request.timeoutRequest()
      }
    }
    isRunning = false
  }
  const push = queue.push.bind(queue)
  queue.push = (request) => {
    push(request)
    if (!isRunning) void check()
  }
  queue.scheduleRequestTimeoutCheck = () => undefined
}
