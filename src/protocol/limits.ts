// The protocol's limits: fixed in genesis, part of every result (R9). Node limits are configuration
// and live elsewhere. Every limit has a name, a unit at the name's end, a default, and the error
// code that says it was passed.

import type { ErrorCode } from '../std/errors.ts'

export type ProtocolLimits = { readonly [K in keyof typeof LIMIT_TABLE]: number }
export type LimitName = keyof typeof LIMIT_TABLE

/**
 * default: the value a genesis takes when it names none; least: below it a network could not work.
 */
export type LimitRow = {
  readonly default: number
  readonly least: number
  readonly code: ErrorCode
}

export const LIMIT_TABLE = {
  /**
   * Bytes of one message as it stands in a record: a wallet's data item, or a relayed message's
   * fields.
   */
  messageBytesMax: { default: 262_144, least: 4_096, code: 'message-too-large' },
  tagsMax: { default: 64, least: 16, code: 'tags-too-many' },
  tagBytesMax: { default: 4_096, least: 512, code: 'tags-too-large' },
  /** Nesting of the JSON of a message's data. */
  inputDepthMax: { default: 64, least: 8, code: 'json-too-deep' },
  outboxMessagesMax: { default: 128, least: 4, code: 'outbox-too-many' },
  outboxBytesMax: { default: 524_288, least: 4_096, code: 'outbox-too-large' },
  /** How many further hops a wallet's message may cause in a chain. */
  hopsMax: { default: 64, least: 4, code: 'hops-exceeded' },
  /** How many messages a wallet's message may cause in all. */
  countMax: { default: 1_000_000, least: 16, code: 'count-exceeded' },
  hopsDefault: { default: 64, least: 1, code: 'hops-exceeded' },
  countDefault: { default: 10_000, least: 1, code: 'count-exceeded' },
  gasMax: { default: 50_000_000, least: 100_000, code: 'gas-exhausted' },
  stateBytesMax: { default: 67_108_864, least: 1_024, code: 'state-too-large' },
  stateDepthMax: { default: 64, least: 4, code: 'state-not-json' },
  outputBytesMax: { default: 1_048_576, least: 1_024, code: 'output-too-large' },
  pendingPromisesMax: { default: 1_024, least: 1, code: 'promises-too-many' },
  moduleBytesMax: { default: 196_608, least: 1_024, code: 'module-too-large' },
  errorTextMax: { default: 512, least: 64, code: 'contract-error' },
} as const satisfies Record<string, LimitRow>

export function defaultLimits(): ProtocolLimits {
  const limits: Record<string, number> = {}
  for (const [name, row] of Object.entries(LIMIT_TABLE)) limits[name] = row.default
  return limits as ProtocolLimits
}
