// hb topics: the topics of an application id: made, checked against what a node would refuse, or
// shown with what they hold.

import type { Command } from 'commander'
import type { Log } from '../../log/port.ts'
import type { TopicPlan } from '../../protocol/topics.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { BrokerOptions } from '../broker.ts'
import { brokerOptions, DEFAULT_APPLICATION_ID, openBroker } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { groupPositions } from '../group-positions.ts'
import { jsonOption, mintOption, operatorOption, wholeValue } from '../options.ts'
import { ROLES } from '../roles.ts'
import { askedFor, developed, PARTITIONS, type NetworkOptions } from '../start-network.ts'
import type { Cell } from '../table.ts'
import { tableLines } from '../table.ts'
import { paint } from '../terminal.ts'

const HELP = `
create    makes what is missing and writes the network's genesis, for nodes that may not
check     says what a node would refuse, with the command that mends it; exit code 1
describe  shows partitions, offsets, and how far each role's group is

Examples:
  hb topics create --bootstrap-server kafka:9092 --partitions 12
  hb topics check --bootstrap-server kafka:9092
  hb topics describe --bootstrap-server kafka:9092 --json`

type Options = BrokerOptions & { readonly json?: true }
type Checked = { readonly topic: string; readonly ok: boolean; code?: string; text?: string }

export function addTopics(program: Command, context: CommandContext): void {
  const topics = program
    .command('topics')
    .description('make, check and describe the topics on the brokers')
    .addHelpText('after', HELP)
  const create = topics
    .command('create')
    .description('make the topics that are missing, and write the genesis')
    .option('--genesis <file>', 'the network (a genesis document)')
    .option('--partitions <count>', `of a development network (default ${PARTITIONS})`, wholeValue)
  withLog(context, operatorOption(mintOption(create)), createTopics)
  const check = topics.command('check').description('say what a node would refuse')
  withLog(context, check, checkTopics)
  const describe = topics.command('describe').description('show what the topics hold')
  withLog(context, describe, describeTopics)
}

type Act<T> = (
  context: CommandContext,
  log: Log,
  applicationId: string,
  options: T & Options,
) => Promise<void>

function withLog<T extends object>(context: CommandContext, command: Command, act: Act<T>): void {
  jsonOption(brokerOptions(command)).action(async (options: T & Options) => {
    const { bootstrapServer, commandConfig, applicationId = DEFAULT_APPLICATION_ID } = options
    if (bootstrapServer === undefined && commandConfig === undefined) {
      throw new HbError('usage', 'topics are on brokers: give --bootstrap-server')
    }
    const log = await openBroker(context, options, 'admin')
    try {
      await act(context, log, applicationId, options)
    } finally {
      await log.close()
    }
  })
}

const createTopics: Act<NetworkOptions> = async ({ terminal }, log, applicationId, options) => {
  const { agreeOnNetwork } = await import('../../node/index.ts')
  const { systemClock } = await import('../../std/clock.ts')
  const network = await agreeOnNetwork({
    log,
    applicationId,
    clock: systemClock,
    own: await askedFor(options),
    make: () => developed(options),
  })
  const { topicNames, topicSpecs } = await import('../../protocol/topics.ts')
  const specs = topicSpecs(topicNames(applicationId), network.genesis.partitions)
  await log.provision(specs)
  const topics = specs.map(({ name }) => name)
  if (options.json === true) {
    terminal.out(JSON.stringify({ ok: true, network: network.id, topics }))
  } else terminal.out(`network ${network.id}: ${topics.join(', ')}`)
}

const checkTopics: Act<object> = async (context, log, applicationId, { json }) => {
  const { terminal } = context
  const checked: Checked[] = []
  for (const spec of await plansOf(log, applicationId)) checked.push(await check(log, spec))
  const ok = checked.every((each) => each.ok)
  context.exitCode = ok ? EXIT.ok : EXIT.failed
  if (json === true) return terminal.out(JSON.stringify({ ok, topics: checked }))
  const colors = paint(terminal.color)
  for (const { topic, code, text } of checked) {
    if (code === undefined) terminal.out(`${colors.green('ok')} ${topic}`)
    else terminal.out(`${colors.red(code)} ${text}`)
  }
}

async function check(log: Log, spec: TopicPlan): Promise<Checked> {
  try {
    await log.provision([spec], { create: false })
    return { topic: spec.name, ok: true }
  } catch (error) {
    if (!isHbError(error) || !error.code.startsWith('log-topic-')) throw error
    return { topic: spec.name, ok: false, code: error.code, text: error.detail ?? error.message }
  }
}

/** The partition count is that of ingress: the others must be like it. */
async function plansOf(log: Log, applicationId: string): Promise<TopicPlan[]> {
  const { topicNames, topicSpecs } = await import('../../protocol/topics.ts')
  const names = topicNames(applicationId)
  const count = await log.ends(names.ingress).then(
    (ends) => ends.length,
    (error: unknown) => {
      if (isHbError(error, 'log-topic-unknown')) return 1
      throw error
    },
  )
  return topicSpecs(names, count)
}

const describeTopics: Act<object> = async ({ terminal }, log, applicationId, { json }) => {
  const { CONSUMED, topicNames } = await import('../../protocol/topics.ts')
  const names = topicNames(applicationId)
  const groups = new Map(
    ROLES.map((role) => [names[CONSUMED[role]], `${applicationId}.${role}`] as const),
  )
  const rows = await Promise.all(
    Object.values(names).map(async (topic) => {
      const group = groups.get(topic)
      if (group === undefined) {
        return (await log.ends(topic)).map((ends, partition) => ({ topic, partition, ...ends }))
      }
      const positions = await groupPositions(log, group, topic)
      return positions.map(({ start, end, committed = null, lag }, partition) => {
        return { topic, partition, start, end, group, committed, lag }
      })
    }),
  )
  const partitions = rows.flat()
  if (json === true) return terminal.out(JSON.stringify({ ok: true, partitions }))
  const right = { align: 'right' as const }
  const columns = [
    { title: 'topic' },
    { title: 'partition', ...right },
    { title: 'start', ...right },
    { title: 'end', ...right },
    { title: 'group' },
    { title: 'committed', ...right },
    { title: 'lag', ...right },
  ]
  const cells = partitions.map(({ topic, partition, start, end, ...rest }): Cell[] => {
    const { group, committed, lag } = { group: '', committed: '', lag: '', ...rest }
    return [topic, partition, start, end, group, committed ?? '-', lag]
  })
  for (const line of tableLines(columns, cells, paint(terminal.color))) terminal.out(line)
}
