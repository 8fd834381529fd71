// Limits of the Kafka adapter, their defaults, and what is said when one is passed. Names of
// Kafka's own settings stand beside those that mean the same.

export type KafkaLogLimits = {
  /** Bytes of key, value and headers of one record: `log-record-too-large`. */
  readonly recordBytesMax: number
  /** Bytes of one append: `log-batch-too-large`. Topics must take them (`max.message.bytes`). */
  readonly batchBytesMax: number
  /** Appends that wait or are under way, bytes: `log-append-refused`. */
  readonly pendingBytesMax: number
  /**
   * `socket.connection.setup.timeout.ms`, also for the greeting, and for who leads what, which any
   * broker can tell: the next one is asked.
   */
  readonly connectTimeoutMs: number
  /** `request.timeout.ms`: an append that is not answered is `log-append-unclear`. */
  readonly requestTimeoutMs: number
  /**
   * An append that is not answered for so long, or a fetch after its own wait, has its leader
   * looked for again: one that is leader no more is not waited for (`log-append-unclear`).
   */
  readonly leaderCheckMs: number
  /** `session.timeout.ms`: a member that is silent for so long loses its partitions. */
  readonly sessionTimeoutMs: number
  /** `heartbeat.interval.ms`. */
  readonly heartbeatMs: number
  /** `rebalance.timeout.ms`: who has not joined again by then is out of the group. */
  readonly rebalanceTimeoutMs: number
  /** A member that gives a partition up is waited for this long; then it is fenced. */
  readonly drainTimeoutMs: number
  /** `auto.commit.interval.ms` in effect: positions are committed this long after they moved. */
  readonly commitDelayMs: number
  /** `fetch.max.wait.ms`. */
  readonly fetchWaitMs: number
  /** `max.partition.fetch.bytes`. */
  readonly fetchPartitionBytesMax: number
  /** `fetch.max.bytes`. */
  readonly fetchBytesMax: number
  /** Bytes of a partition that are fetched and not yet delivered; then it is not fetched. */
  readonly queueBytesMax: number
  /** `retry.backoff.ms`, doubled up to `retryDelayMsMax` (`retry.backoff.max.ms`). */
  readonly retryDelayMs: number
  readonly retryDelayMsMax: number
  /** How long a read, a join or a question is tried again: `log-unreachable`. */
  readonly retryMsMax: number
  /** A topic that is gone for so long halts its readers: `log-topic-unknown`. */
  readonly topicGoneMsMax: number
  /** `metadata.max.age.ms`. */
  readonly metadataAgeMsMax: number
  /** Connections to one broker for reads at the same time. */
  readonly readConnectionsMax: number
  /** `acceptable.recovery.lag`: a copy that lags no more is warm. */
  readonly standbyLagMax: number
}

export const KAFKA_LOG_LIMITS: KafkaLogLimits = {
  recordBytesMax: 1_048_576,
  batchBytesMax: 2_000_000,
  pendingBytesMax: 134_217_728,
  connectTimeoutMs: 3_000,
  requestTimeoutMs: 10_000,
  leaderCheckMs: 1_000,
  sessionTimeoutMs: 10_000,
  heartbeatMs: 500,
  rebalanceTimeoutMs: 60_000,
  drainTimeoutMs: 10_000,
  commitDelayMs: 250,
  fetchWaitMs: 2_000,
  fetchPartitionBytesMax: 1_048_576,
  fetchBytesMax: 16_777_216,
  queueBytesMax: 2_097_152,
  retryDelayMs: 20,
  retryDelayMsMax: 500,
  retryMsMax: 30_000,
  topicGoneMsMax: 10_000,
  metadataAgeMsMax: 60_000,
  readConnectionsMax: 32,
  standbyLagMax: 10_000,
}

/** What a topic must take in one batch: ours with what the protocol puts around it. */
export const MESSAGE_BYTES = 2_097_152
