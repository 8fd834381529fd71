// A broker in a Docker engine, through testcontainers: Confluent's image of Kafka 4.1, or, where no
// image hub can be reached, one built on this machine (kafka-image.sh).
//
// Invariants:
//   D1  The container does not outlive this OS process: testcontainers' reaper sees to that; where
//       its image cannot be had, our own watchdog does.

import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runToEnd, whyNoJvm } from './java.ts'
import { installKafka } from './kafka-install.ts'
import { startWatchdog } from './watchdog.ts'

/** Confluent Platform 8.1 is Kafka 4.1. */
const HUB_IMAGE = 'confluentinc/cp-kafka:8.1.0'
const LOCAL_IMAGE = 'hollowbeam/cp-kafka:8.1.0'
/** KafkaContainer's own, for clients from outside. */
const PORT = 9093
const IMAGE_SCRIPT = fileURLToPath(new URL('kafka-image.sh', import.meta.url))

/** KafkaContainer.start() returns before the broker is up, unless told what to wait for. */
const STARTED = /Kafka Server started/
const START_MS_MAX = 180_000
const REMOVE = 'docker rm --force --volumes'

/** One broker: factors of replication that default to three are one, and groups form at once. */
const ENVIRONMENT = {
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
  KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE: 'false',
  KAFKA_LOG_INITIAL_TASK_DELAY_MS: '500',
  KAFKA_LOG_CLEANER_BACKOFF_MS: '500',
  KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS: '1000',
}

export type DockerKafka = {
  /** host:port */
  readonly bootstrapServers: string
  readonly image: string
  /** The container's. */
  readonly name: string
  close(): Promise<void>
}

export async function startDockerKafka(): Promise<DockerKafka> {
  const image = await kafkaImage()
  if (isLocalImage(image)) process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
  const { KafkaContainer } = await import('@testcontainers/kafka')
  const { Wait } = await import('testcontainers')
  const name = `hb-kafka-${randomUUID()}`
  const watchdog = startWatchdog(await mkdtemp(join(tmpdir(), 'hb-docker-')), REMOVE)
  watchdog.add(name)
  try {
    const container = await new KafkaContainer(image)
      .withKraft()
      .withName(name)
      .withEnvironment(ENVIRONMENT)
      .withWaitStrategy(Wait.forLogMessage(STARTED))
      .withStartupTimeout(START_MS_MAX)
      .start()
    const bootstrapServers = `${container.getHost()}:${container.getMappedPort(PORT)}`
    const close = async (): Promise<void> => {
      await container.stop()
      watchdog.remove(name)
      await watchdog.close()
    }
    return { bootstrapServers, image, name, close }
  } catch (error) {
    await watchdog.close()
    throw error
  }
}

/** Where no image can be pulled, there is no reaper either. */
export function isLocalImage(image: string): boolean {
  return image.startsWith(LOCAL_IMAGE)
}

/** The local image where it was built before; else the hub's; else the local one, built now. */
export async function kafkaImage(): Promise<string> {
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers')
  const { image } = await getContainerRuntimeClient()
  const script = createHash('sha256').update(await readFile(IMAGE_SCRIPT))
  const local = `${LOCAL_IMAGE}-${script.digest('hex').slice(0, 8)}`
  if (await image.exists(ImageName.fromString(local))) return local
  try {
    await image.pull(ImageName.fromString(HUB_IMAGE))
    return HUB_IMAGE
  } catch (error) {
    const whyNot = process.platform === 'linux' ? whyNoJvm() : 'an image is built on Linux only'
    if (whyNot !== undefined) {
      const what = `${HUB_IMAGE} cannot be pulled, nor an image built here (${whyNot})`
      throw new Error(what, { cause: error })
    }
    const reason = error instanceof Error ? error.message.trim() : String(error)
    process.stderr.write(`Kafka image: it cannot be pulled, so it is built here (${reason})\n`)
    const { dir } = await installKafka('4.1')
    await runToEnd(IMAGE_SCRIPT, [dir, local])
    return local
  }
}
