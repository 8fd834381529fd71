// What a broker answers, and what went wrong on the way to it.
//
// Invariant: a fault says whether the request may have taken effect: `sent` is false only if not a
// byte of it left this program.

import { HbError } from '../../std/errors.ts'

/** Kafka's error codes that this adapter tells apart. */
export const CODE = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedSaslMechanism: 33,
  topicAlreadyExists: 36,
  invalidReplicationFactor: 38,
  policyViolation: 44,
  storageError: 56,
  saslAuthenticationFailed: 58,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  fencedInstance: 82,
  invalidRecord: 87,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

const NAMES = new Map<number, string>(Object.entries(CODE).map(([name, code]) => [code, name]))

/** "notLeader (6)". */
export function codeText(code: number): string {
  return `${NAMES.get(code) ?? 'error'} (${code})`
}

/** The connection or the request failed; nothing was answered. */
export class BrokerFault extends Error {
  readonly sent: boolean

  constructor(text: string, options: { sent: boolean; cause?: unknown }) {
    super(text, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BrokerFault'
    this.sent = options.sent
  }
}

/** A broker answered with an error code. */
export class BrokerRefusal extends Error {
  readonly code: number

  constructor(api: string, code: number, text?: string | null) {
    super(`${api}: ${codeText(code)}${text === undefined || text === null ? '' : `, ${text}`}`)
    this.name = 'BrokerRefusal'
    this.code = code
  }
}

/** Never to be tried again without somebody's doing. */
export function isDenied(code: number): boolean {
  return (
    code === CODE.topicAuthorizationFailed ||
    code === CODE.groupAuthorizationFailed ||
    code === CODE.clusterAuthorizationFailed
  )
}

/** A position that the broker does not have: never moved (L6). */
export function outOfRange(
  topic: string,
  partition: number,
  position: number,
  { start, highWatermark }: { start: number; highWatermark: number } = {
    start: -1,
    highWatermark: -1,
  },
): HbError {
  const has = start < 0 ? '' : ` retains from ${start}, ends at ${highWatermark};`
  const detail = `${topic}[${partition}]${has} asked for ${String(position)}`
  const data = { topic, partition, position, start, end: highWatermark }
  return new HbError('log-position-out-of-range', detail, { data })
}
