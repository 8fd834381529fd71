// Limits of what a node asks of other nodes (R9): configuration, never part of a result.

export type PeerLimits = {
  /** What is known of a group's members is asked again when it is older; default 2,000. */
  readonly routeTtlMs: number
  /** And at most so often when it was wrong or too little; default 500. */
  readonly routeRefreshMsMin: number
  /** Requests to other nodes at one time; beyond: `queue-full`. Default 512. */
  readonly peerRequestsMax: number
  /** Beside what it was asked to wait: then it is `peer-unreachable`. Default 5,000. */
  readonly peerTimeoutMs: number
  /**
   * A peer is asked to wait for so long at most; then it is looked up again who has the partition.
   * Default 1,000.
   */
  readonly peerRoundMs: number
  /** How much longer than it was asked to a peer may take before it is given up; default 250. */
  readonly peerGraceMs: number
  /** Bytes of a peer's answer; beyond: `peer-unreachable`. Default 64 MiB. */
  readonly peerAnswerBytesMax: number
}

export const PEER_LIMITS: PeerLimits = {
  routeTtlMs: 2_000,
  routeRefreshMsMin: 500,
  peerRequestsMax: 512,
  peerTimeoutMs: 5_000,
  peerRoundMs: 1_000,
  peerGraceMs: 250,
  peerAnswerBytesMax: 67_108_864,
}
