// hb demo: the example flow, end to end. What it does is in demo.ts; this is its command line.

import type { Command } from 'commander'
import { brokerOptions, brokersAs, namesBrokers, type BrokerOptions } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption } from '../options.ts'

const HELP = `
On Kafka it makes topics of its own (--application-id, by default a new one each time); they stay.

Examples:
  hb demo                        watch every message and what it caused
  hb demo --json | jq .final     balances for a program
  hb demo --data DIR             keep the log there
  hb demo --keep-running         leave the node up, and print its HTTP address
  hb demo --bootstrap-server localhost:9092`

type Options = BrokerOptions & {
  readonly json?: true
  readonly data?: string
  readonly keepRunning?: true
}

export function addDemo(program: Command, context: CommandContext): void {
  const command = program
    .command('demo')
    .description('run stake, transfer, order and match, then rebuild all of it from the log')
    .option('--data <dir>', 'keep the log in this directory (default: a temporary one)')
    .option('--keep-running', 'leave the node running afterwards')
  brokerOptions(command).addHelpText('after', HELP)
  jsonOption(command).action(async (options: Options) => {
    const { runDemo } = await import('./demo.ts')
    const { applicationId, data } = options
    const { exitCode } = await runDemo({
      json: options.json === true,
      keepRunning: options.keepRunning === true,
      color: context.terminal.color,
      out: context.terminal.out,
      err: context.terminal.err,
      signal: context.terminal.signal,
      ...(data !== undefined && { data }),
      ...(applicationId !== undefined && { applicationId }),
      ...(namesBrokers(options) && {
        openBrokers: (id: string) => brokersAs(context, { ...options, applicationId: id }),
      }),
    })
    context.exitCode = exitCode
  })
}
