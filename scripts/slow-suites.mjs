// Which suites `npm test` leaves to `npm run test:clusters`: each takes tens of seconds, mostly on
// clusters of its own. A suite that proves something without them does not belong here.

/** Patterns of paths, as jest takes them. */
export const SLOW_SUITES = [
  'test/kafka/offset-resets',
  'test/kafka/quotas',
  'test/kafka/replay-verify',
  'test/support/jvm-kafka',
  'test/support/kafka-install',
  'test/support/secure-kafka',
  'test/log/kafka/clusters',
  'test/log/kafka/three-brokers',
  'test/kafka/schema-registry',
]
