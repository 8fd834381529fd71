// hb log tail: the entries of a partition, and those to come.

import type { Command } from 'commander'
import type { EntryView } from '../../client/index.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption, openClient, urlOption, wholeValue, type UrlOptions } from '../options.ts'
import { actionOf } from '../print-status.ts'
import { liveTable, shortId, type Cell } from '../table.ts'
import { paint } from '../terminal.ts'

const HELP = `
Starts with the last entries and follows until interrupted, also over broken connections.

Examples:
  hb log tail
  hb log tail --from 0 --no-follow               all that there is now
  hb log tail --partition 3 --json | jq .messageId
  hb log tail --from 100 --count 5`

const COLUMNS = [
  { title: 'height', align: 'right', width: 10 },
  { title: 'time', width: 12 },
  { title: 'kind', width: 7 },
  { title: 'action', width: 20 },
  { title: 'from', width: 12 },
  { title: 'process', width: 12 },
  { title: 'message', width: 12 },
  { title: 'data', width: 32 },
] as const

type Options = UrlOptions & {
  readonly partition: number
  readonly from?: number
  readonly last: number
  readonly count?: number
  readonly follow: boolean
  readonly json?: true
}

export function addLog(program: Command, context: CommandContext): void {
  const log = program.command('log').description('read the log')
  const command = log
    .command('tail')
    .description('show the newest entries of a partition, and follow it')
    .option('--partition <number>', 'which partition', wholeValue, 0)
    .option('--from <height>', 'start at this height', wholeValue)
    .option(
      '--last <count>',
      'without --from: start so many entries before the end',
      wholeValue,
      10,
    )
    .option('--count <count>', 'stop after so many', wholeValue)
    .option('--no-follow', 'stop at what is the end now')
    .addHelpText('after', HELP)
  jsonOption(urlOption(command)).action((options: Options) => tail(context, options))
}

async function tail(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const client = await openClient(context, options)
  const end = await endOf(client, options.partition)
  const from = options.from ?? Math.max(0, end - options.last)
  const stopAt = Math.min(from + (options.count ?? Infinity), options.follow ? Infinity : end)
  if (from >= stopAt) return
  const print =
    options.json === true ? jsonPrinter(terminal.out) : tablePrinter(terminal.out, terminal.color)
  for await (const entry of client.tail(options.partition, { from, signal: terminal.signal })) {
    print(entry)
    if (entry.height + 1 >= stopAt) break
  }
}

/** The height after the last one that the stream has now. */
async function endOf(
  client: Awaited<ReturnType<typeof openClient>>,
  partition: number,
): Promise<number> {
  return (await client.head(partition)).height + 1
}

function jsonPrinter(out: (line: string) => void) {
  return (entry: EntryView): void => out(JSON.stringify(entry))
}

function tablePrinter(out: (line: string) => void, color: boolean) {
  const table = liveTable(COLUMNS, out, paint(color))
  return (entry: EntryView): void => table.row(cells(entry))
}

function cells(entry: EntryView): Cell[] {
  return [
    entry.height,
    new Date(entry.timestamp).toISOString().slice(11, 23),
    entry.kind,
    actionOf(entry.tags),
    entry.from === 'genesis' ? 'genesis' : shortId(entry.caller),
    shortId(entry.process),
    shortId(entry.messageId),
    entry.dataEncoding === 'utf8' ? entry.data : `(${entry.data.length} characters of base64url)`,
  ]
}
