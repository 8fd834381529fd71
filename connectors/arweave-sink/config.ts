// A connector's configuration: texts by key, checked against the table, and what they mean.
//
// Invariants: C1 what is refused is refused with everything that is wrong with it, not only the
// first. C2 a wallet is a path here; what is in the file is nobody's configuration.

import type { Durability } from '../../src/index.ts'
import type { Config, ConfigValue } from './config-def.ts'
import { configInfos, errorsOf, validateAll } from './config-def.ts'
import { CONFIG_KEYS, CONNECTOR_CLASS } from './config-keys.ts'
import type { SinkLimits } from './limits.ts'
import { SINK_LIMITS } from './limits.ts'
import { RestError } from './rest-error.ts'
import { DEFAULT_NAME } from './sink.ts'

export type SinkConfig = {
  /** As it was given, name included: what the REST shows. */
  readonly given: Readonly<Record<string, string>>
  readonly name: string
  readonly tasksMax: number
  readonly topic: string
  readonly applicationId: string
  readonly archive: string
  readonly walletFile: string
  readonly durability: Durability
  readonly pendingDir: string | undefined
  readonly limits: SinkLimits
  readonly isTolerant: boolean
  readonly isLogged: boolean
  /** undefined: records that are no entry go nowhere. */
  readonly deadLetters: { readonly topic: string; readonly hasHeaders: boolean } | undefined
}

/** Throws a RestError 400 that says all that is wrong. */
export function parseConfig(given: Config): SinkConfig {
  const values = checked(given)
  const errors = errorsOf(values)
  if (errors.length > 0) {
    const lines = [
      `Connector configuration is invalid and contains the following ${errors.length} error(s):`,
      ...errors,
      'You can also find the above list of errors at the endpoint ' +
      '`/connector-plugins/{connectorType}/config/validate`',
    ]
    throw new RestError(400, lines.join('\n'))
  }
  return meant(given as Readonly<Record<string, string>>, values)
}

/** Connect's answer to `PUT /connector-plugins/{name}/config/validate`. */
export function validation(given: Config): object {
  return configInfos(CONFIG_KEYS, CONNECTOR_CLASS, checked(given))
}

/** Each key by itself, and then what must fit together. */
function checked(given: Config): ConfigValue[] {
  const values = validateAll(CONFIG_KEYS, given)
  const of = (name: string): ConfigValue => values.find((each) => each.name === name) as ConfigValue
  const [name, topics] = [of('name'), of('topics')]
  const letters = of('errors.deadletterqueue.topic.name')
  if (topics.errors.length === 0) {
    const application = applicationOf(topics.value as string)
    if (application !== DEFAULT_APPLICATION && name.value === DEFAULT_NAME) {
      const text = `${DEFAULT_NAME} is for ${DEFAULT_APPLICATION}.log; two networks on one cluster`
      const other = `${application}-${DEFAULT_NAME}`
      name.errors.push(
        `Invalid value ${DEFAULT_NAME} for configuration name: ${text} would share a group, so ` +
        `name it ${other}`,
      )
    }
    if (letters.value === topics.value) {
      topics.errors.push(
        `The DLQ topic '${letters.value}' may not be included in the list of topics consumed ` +
        'by the connector',
      )
    }
  }
  return values
}

function meant(
  given: Readonly<Record<string, string>>,
  values: readonly ConfigValue[],
): SinkConfig {
  const texts = new Map(values.map(({ name, value }) => [name, value]))
  const text = (name: string): string => texts.get(name) ?? ''
  const whole = (name: string): number => Number(text(name))
  const isSo = (name: string): boolean => text(name).toLowerCase() === 'true'
  const topic = text('topics')
  const durability = text('archive.durability')
  const letters = text('errors.deadletterqueue.topic.name')
  const hasHeaders = isSo('errors.deadletterqueue.context.headers.enable')
  return {
    given,
    name: text('name'),
    tasksMax: whole('tasks.max'),
    topic,
    applicationId: applicationOf(topic),
    archive: text('archive'),
    walletFile: text('archive.wallet'),
    durability: durability === 'accepted' ? 'accepted' : Number(durability),
    pendingDir: texts.get('pending.dir') ?? undefined,
    limits: {
      ...SINK_LIMITS,
      heightsMax: whole('segment.heights.max'),
      bytesMax: whole('segment.bytes.max'),
      uploadsMax: whole('uploads.max'),
      flushDelayMsMax: whole('flush.delay.max.ms'),
      pollDelayMs: whole('poll.delay.ms'),
      logEndWaitMsMax: whole('log.end.wait.max.ms'),
      retryDelayMsMax: whole('errors.retry.delay.max.ms'),
      retryTimeoutMs: whole('errors.retry.timeout'),
    },
    isTolerant: text('errors.tolerance') === 'all',
    isLogged: isSo('errors.log.enable'),
    deadLetters: letters === '' ? undefined : { topic: letters, hasHeaders },
  }
}

const DEFAULT_APPLICATION = 'hb'

function applicationOf(topic: string): string {
  return topic.replace(/\.log$/, '')
}
