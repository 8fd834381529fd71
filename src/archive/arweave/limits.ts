// Limits of the Arweave archive: each with its default, and what it bounds.

export type ArweaveLimits = {
  /** A request is given up after so long, ms; one that carries a transaction's data, later. */
  readonly requestTimeoutMs: number
  readonly transferTimeoutMs: number
  /** How often a request is tried before `archive-gateway-failed`. */
  readonly triesMax: number
  /** Before the next try, ms: doubled each time, up to the greatest, also if asked for more. */
  readonly retryDelayMs: number
  readonly retryDelayMsMax: number
  /** Of an answer that is no transaction's data. */
  readonly answerBytesMax: number
  /** Of a transaction's data, written or read: they are in memory at once. */
  readonly transactionBytesMax: number
  /** Of a page of what is found: gateways give no more than 100. */
  readonly pageItemsMax: number
  /** What one search may find: beyond it a gateway, or who floods it, is not believed. */
  readonly foundMax: number
  /** How often it is looked whether a transaction is durable, ms. */
  readonly pollDelayMs: number
  /** A transaction that the gateway does not know is posted again after so long, ms. */
  readonly repostDelayMs: number
  /** The most that one transaction may cost, in winston: 1 AR. */
  readonly feeMax: bigint
}

export const ARWEAVE_LIMITS: ArweaveLimits = {
  requestTimeoutMs: 30_000,
  transferTimeoutMs: 300_000,
  triesMax: 5,
  retryDelayMs: 250,
  retryDelayMsMax: 10_000,
  answerBytesMax: 4_194_304,
  transactionBytesMax: 67_108_864,
  pageItemsMax: 100,
  foundMax: 1_000_000,
  pollDelayMs: 15_000,
  repostDelayMs: 300_000,
  feeMax: 1_000_000_000_000n,
}

/** What the network takes in a transaction's tags, names and values together. */
export const TAG_BYTES_MAX = 2_048
/**
 * So many blocks after it was signed, no block can hold a transaction any more: the network takes
 * anchors of the last 50, and gateways lag by a few.
 */
export const EXPIRY_BLOCKS = 60
