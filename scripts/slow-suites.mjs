// Which suites `npm test` leaves to `npm run test:slow`: each takes tens of seconds, mostly on
// clusters of its own, or on the whole checkout (its rules of style, every block of the guides), or
// grows with what was found (known seeds).

/** Patterns of paths, as jest takes them. */
export const SLOW_SUITES = [
  'test/chaos/chaos[.]test',
  'test/chaos/in-process',
  'test/chaos/killed',
  'test/chaos/node-process',
  'test/cli/brokers',
  'test/cli/recovery',
  'test/connectors/arweave-sink/crash',
  'test/differential/differential',
  'test/guards/eslint',
  'test/guards/guides',
  'test/kafka/archive',
  'test/kafka/commands',
  'test/kafka/log-trim',
  'test/kafka/offset-resets',
  'test/kafka/quotas',
  'test/kafka/replay-verify',
  'test/support/jvm-kafka',
  'test/support/kafka-install',
  'test/support/secure-kafka',
  'test/log/kafka/clusters',
  'test/log/kafka/three-brokers',
  'test/kafka/schema-registry',
  'test/simulation/ambient',
  'test/simulation/campaign/crash-everywhere',
  'test/simulation/known-seeds',
  'test/simulation/mutated-types',
  'test/simulation/seeds',
  'test/simulation/workloads',
]

/** Those that need a gateway of Arweave: left to `npm run test:arweave`. */
export const ARWEAVE_SUITES = ['test/arweave-gateway/']
