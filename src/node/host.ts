// What evaluator workers import: the system processes, and the check of outboxes.

import type { OutboxLimits } from '../protocol/outbox.ts'
import { checkOutbox } from '../protocol/outbox.ts'
import type { CreateHost, EvaluatorHost } from '../runtime/evaluator/port.ts'
import { natives } from '../system/index.ts'

export type HostData = { readonly limits: OutboxLimits }

export const createHost: CreateHost = (hostData) => hostOf((hostData as HostData).limits)

export function hostOf(limits: OutboxLimits): EvaluatorHost {
  return {
    natives: natives,
    checkOutbox: (messages, parent) => checkOutbox(messages, parent, limits),
  }
}
