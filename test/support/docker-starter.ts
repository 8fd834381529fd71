// Child OS process of docker-kafka.test.ts: starts a broker in Docker, writes its container's name,
// and waits to be killed.

import { writeSync } from 'node:fs'
import { startDockerKafka } from './docker-kafka.ts'

const { name } = await startDockerKafka()
writeSync(1, name)
setInterval(() => undefined, 1_000)
