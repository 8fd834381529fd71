// The Kafka suites on a broker in Docker: brings an engine up where none answers (Debian, root),
// and has testcontainers start the broker. Suites that need brokers of their own leave themselves
// out. Arguments go to jest, in place of the list of suites.
//
// Invariant: the last line on stdout is "N passed, N failed", also when no engine comes up.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runSuites } from './test.mjs'

/** A suite that is new and about Kafka belongs below one of these. */
const SUITES = [
  'test/support/docker',
  'test/support/shared',
  'test/log/kafka',
  'test/kafka',
  'test/testing/kafka',
]

const dockerUp = fileURLToPath(new URL('../test/support/docker-up.sh', import.meta.url))
const up = spawnSync(dockerUp, [], { stdio: ['ignore', 2, 2] })
if (up.status === 0) {
  const args = process.argv.slice(2)
  const env = { HB_KAFKA_FROM: 'docker', HB_REQUIRE_KAFKA: '1' }
  await runSuites(args.length === 0 ? SUITES : args, env)
} else {
  console.log('There is no Docker engine, and none could be started (see above).')
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
