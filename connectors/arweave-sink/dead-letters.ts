// Records of the log that are no entry: reported, put on the dead letter queue, or what the task
// fails with.
//
// Invariant: D1 a record is on the queue before anything behind it is committed: after a crash it
// may be there twice, as in Connect, and never not at all.

import type { Log, Reporter, StoredRecord } from '../../src/index.ts'
import { deadLetterOf, HbError, isHbError, topicNames, topicSpecs } from '../../src/index.ts'
import type { SinkConfig } from './config.ts'
import { CONNECTOR_CLASS } from './config-keys.ts'

export type DeadLettersOptions = {
  readonly config: SinkConfig
  readonly log: Log
  readonly reporter: Reporter
}

/** The queue is made where it is missing, as the house makes its own. */
export async function provisionQueue({ config, log }: DeadLettersOptions): Promise<void> {
  const { deadLetters, applicationId } = config
  if (deadLetters === undefined) return
  const { topic } = deadLetters
  try {
    await log.ends(topic)
  } catch (error) {
    if (!isHbError(error, 'log-topic-unknown')) throw error
    const names = topicNames(applicationId)
    const house = topicSpecs(names, 1).filter(({ name }) => name === names.deadletters)
    await log.provision(house.map((spec) => ({ ...spec, name: topic })))
  }
}

/** Resolves when the record may be passed over. Throws `log-record-poison`, what appending does. */
export async function dismiss(
  { config, log, reporter }: DeadLettersOptions,
  task: number,
  partition: number,
  record: StoredRecord,
): Promise<void> {
  const { topic, deadLetters, isTolerant, isLogged, name } = config
  const { offset } = record
  if (isLogged) {
    const where = { topic, partition, offset, connector: name }
    reporter.warn('record-poison', `${topic}-${partition} at offset ${offset} is no entry`, where)
  }
  if (deadLetters !== undefined) {
    const why = new HbError('record-malformed', `${topic}-${partition}, offset ${offset}`)
    const { key, value, headers } = deadLetterOf(topic, partition, record, why)
    const more = {
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.class.name': CONNECTOR_CLASS,
      '__connect.errors.connector.name': name,
      '__connect.errors.task.id': String(task),
    }
    const own = record.headers === undefined ? {} : { headers: record.headers }
    const told = deadLetters.hasHeaders ? { headers: { ...headers, ...more } } : own
    await log.append(deadLetters.topic, 0, [{ key, value, ...told }])
  }
  if (isTolerant) return
  throw new HbError('log-record-poison', `${topic}-${partition}, offset ${offset}`)
}
