// hb acls: the kafka-acls commands that give a principal the least that a part of a node needs.

import type { Command } from 'commander'
import { HbError } from '../../std/errors.ts'
import type { Grant, Grantee } from '../access.ts'
import { GRANTEES, grantsOf } from '../access.ts'
import { DEFAULT_APPLICATION_ID } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption } from '../options.ts'

const HELP = `
A node has the ACLs of its roles and, where its HTTP API is to take messages, those of the door.
Topics must be there before: whoever has those of the admin makes them, by "hb topics create".

Examples:
  hb acls print --role sequencer,door --principal User:sequencer
  hb acls print --role dre --principal User:CN=dre --bootstrap-server kafka:9092 | sh
  hb acls print --role producer --principal User:shop --json`

type Options = {
  readonly role: readonly Grantee[]
  readonly principal: string
  readonly applicationId: string
  readonly bootstrapServer: string
  readonly commandConfig?: string
  readonly json?: true
}

export function addAcls(program: Command, { terminal }: CommandContext): void {
  const acls = program.command('acls').description('what principals need on the brokers')
  const print = acls
    .command('print')
    .description('print the kafka-acls commands of one or more roles; runs nothing')
    .requiredOption('--role <list>', `of ${GRANTEES.join(',')}`, granteesValue)
    .requiredOption('--principal <name>', "Kafka's name of it, as User:alice", principalValue)
    .option('--application-id <name>', 'prefix of topics and groups', DEFAULT_APPLICATION_ID)
    .option('--bootstrap-server <list>', 'brokers, as the commands name them', 'localhost:9092')
    .option('--command-config <file>', 'a client.properties for the printed commands')
    .addHelpText('after', HELP)
  jsonOption(print).action(async (options: Options) => {
    const { topicNames } = await import('../../protocol/topics.ts')
    const { applicationId, role } = options
    const grants = grantsOf(role, applicationId, topicNames(applicationId))
    if (options.json === true) {
      terminal.out(JSON.stringify({ ok: true, principal: options.principal, grants }))
    } else for (const grant of grants) terminal.out(commandOf(grant, options))
  })
}

function commandOf({ resource, name, operations }: Grant, options: Options): string {
  const { principal, bootstrapServer, commandConfig } = options
  const words = ['kafka-acls', '--bootstrap-server', bootstrapServer]
  if (commandConfig !== undefined) words.push('--command-config', commandConfig)
  words.push('--add', '--allow-principal', principal)
  for (const operation of operations) words.push('--operation', operation)
  return [...words, `--${resource}`, name].map(shellWord).join(' ')
}

/** Quoted for a shell where it must be. */
function shellWord(text: string): string {
  return /^[\w.,:=/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function granteesValue(text: string): Grantee[] {
  const asked = text.split(',').map((each) => each.trim())
  for (const each of asked) {
    if (GRANTEES.includes(each as Grantee)) continue
    throw new HbError('usage', `--role ${text}: a list of ${GRANTEES.join(', ')}`)
  }
  return asked as Grantee[]
}

function principalValue(text: string): string {
  if (/^[A-Za-z]+:./.test(text)) return text
  throw new HbError('usage', `--principal ${text}: write it as Kafka does, User:${text}`)
}
