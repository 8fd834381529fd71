// Brokers on the command line: the options that name them, a log on them, and the nodes that are
// there to talk to.
//
// Invariants: B1 nothing of --command-config is ever printed but keys and line numbers. B2 each
// part of a node, and each kind of command, has a client id of its own, `<application id>.<part>`,
// in the words of access.ts: what a broker grants and what it allots go by the same names.

import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { ClientProperties, KafkaOptions, Throttled } from '../log/kafka/index.ts'
import type { Log } from '../log/port.ts'
import { HbError } from '../std/errors.ts'
import type { Grantee } from './access.ts'
import type { CommandContext } from './context.ts'
import { readable } from './readable.ts'

export type BrokerOptions = {
  readonly bootstrapServer?: string
  readonly commandConfig?: string
  readonly applicationId?: string
}

export const DEFAULT_APPLICATION_ID = 'hb'

export function brokerOptions(command: Command): Command {
  return command
    .option('--bootstrap-server <list>', 'Kafka brokers, as host:port,host:port')
    .option('--command-config <file>', "a client.properties with Kafka's own keys (TLS, SASL)")
    .option(
      '--application-id <name>',
      `prefix of topics and groups (default ${DEFAULT_APPLICATION_ID})`,
    )
}

/** True where brokers are meant, rather than the embedded log or a node by its address. */
export function namesBrokers({ bootstrapServer, commandConfig }: BrokerOptions): boolean {
  return bootstrapServer !== undefined || commandConfig !== undefined
}

/** The log as one part of the application: a client id, and connections, of its own. */
export type OpenAs = (part: Grantee) => Promise<Log>

/** Errors: as of `brokersAs`; those of connecting. */
export async function openBroker(
  context: CommandContext,
  options: BrokerOptions,
  part: Grantee,
): Promise<Log> {
  return (await brokersAs(context, options))(part)
}

/**
 * `client.id` of --command-config stands for the application id in client ids. Errors: `usage`,
 * `client-properties-invalid`, `file-unreadable`.
 */
export async function brokersAs(
  context: CommandContext,
  options: BrokerOptions,
  warn = (text: string): void => context.terminal.err(`warning: ${text}`),
  onThrottled?: (told: Throttled) => void,
): Promise<OpenAs> {
  const { applicationId = DEFAULT_APPLICATION_ID } = options
  const given = await connection(options, warn)
  const bootstrapServers = options.bootstrapServer ?? given.bootstrapServers
  if (bootstrapServers === undefined) {
    throw new HbError('usage', '--command-config without --bootstrap-server names no brokers')
  }
  const prefix = given.options?.clientId ?? applicationId
  return (part) =>
    context.openBrokers({
      ...given.options,
      clientId: `${prefix}.${part}`,
      bootstrapServers,
      onWarning: warn,
      ...(onThrottled !== undefined && { onThrottled }),
    })
}

async function connection(
  { commandConfig }: BrokerOptions,
  warn: (text: string) => void,
): Promise<{ bootstrapServers?: string; options?: Omit<KafkaOptions, 'bootstrapServers'> }> {
  if (commandConfig === undefined) return {}
  const { connectionOf } = await import('../log/kafka/index.ts')
  const properties = await propertiesIn(commandConfig)
  for (const warning of properties.warnings) warn(`${commandConfig}: ${warning}`)
  const { bootstrapServers } = properties
  return {
    options: connectionOf(properties),
    ...(bootstrapServers !== undefined && { bootstrapServers }),
  }
}

/** Of --command-config. Errors: `client-properties-invalid`, `file-unreadable`. */
export async function propertiesIn(commandConfig: string): Promise<ClientProperties> {
  const bytes = await readable(commandConfig, () => readFile(commandConfig))
  const { utf8Text } = await import('../std/bytes.ts')
  const { parseClientProperties } = await import('../log/kafka/index.ts')
  // Java reads such files as Latin-1: what is no UTF-8 was written so
  const text = utf8Text(bytes) ?? bytes.toString('latin1')
  return parseClientProperties(text, { readFile: (path) => readFileSync(path) })
}

/** Addresses of the nodes of the application id, those that serve states first. */
export async function nodeUrls(context: CommandContext, options: BrokerOptions): Promise<string[]> {
  const { applicationId = DEFAULT_APPLICATION_ID } = options
  const log = await openBroker(context, options, 'reader')
  try {
    const found = new Set<string>()
    for (const role of ['dre', 'sequencer', 'relayer']) {
      for (const { address } of await log.members(`${applicationId}.${role}`)) {
        if (address !== undefined) found.add(address)
      }
    }
    if (found.size > 0) return [...found]
    throw new HbError(
      'node-unreachable',
      `no node of application id ${applicationId} tells its address`,
    )
  } finally {
    await log.close()
  }
}
