// What evaluator workers import: the system processes, and the check of outboxes.

import { firstLevel } from '../protocol/features.ts'
import type { Network } from '../protocol/genesis.ts'
import type { OutboxLimits } from '../protocol/outbox.ts'
import { checkOutbox } from '../protocol/outbox.ts'
import type { CreateHost, EvaluatorHost } from '../runtime/evaluator/port.ts'
import { HbError } from '../std/errors.ts'
import { FEATURE_LEVELS } from '../system/index.ts'

export type HostData = { readonly limits: OutboxLimits }

export const createHost: CreateHost = (hostData) => hostOf((hostData as HostData).limits)

/** Feature levels that this build has. */
export const LEVELS: readonly number[] = FEATURE_LEVELS.map(({ level }) => level)

/** That this build has what the network begins with. Throws `feature-level-unknown`. */
export function checkLevel({ genesis }: Network): void {
  const { engine, version } = genesis.sandbox
  const level = firstLevel(genesis)
  const row = FEATURE_LEVELS.find((each) => each.level === level)
  if (row?.sandbox.engine === engine && row.sandbox.version === version) return
  const asked = `genesis begins with level ${level} on ${engine} ${version}`
  const known = row && `here that level is ${row.sandbox.engine} ${row.sandbox.version}`
  throw new HbError('feature-level-unknown', `${asked}; ${known ?? 'this build lacks it'}`)
}

export function hostOf(limits: OutboxLimits): EvaluatorHost {
  return {
    levels: FEATURE_LEVELS,
    checkOutbox: (messages, parent) => checkOutbox(messages, parent, limits),
  }
}
