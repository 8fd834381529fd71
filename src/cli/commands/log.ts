// hb log tail: the entries of a partition, and those to come. hb log trim: the oldest deleted.

import type { Command } from 'commander'
import type { EntryView } from '../../client/index.ts'
import { archiveOptions, signaturesOption } from '../archive-place.ts'
import { brokerOptions } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { DEFAULT_DATA } from '../history.ts'
import type { TrimLogOptions } from '../log-trim.ts'
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

const TRIM_HELP = `
Deletes what lies before an interval (heights below its number times intervalLength), where the
states recorded there and the archive both hold it, verified first: the archive's chain, hashes and
roots up to there; the recorded states against an evaluation of the log; and that no group that
reads the log is behind. Otherwise it deletes nothing, of any partition, and says why. The last
entry before the interval stays. Without --execute it only says what it would delete.

From then on the network's beginning is in the archive alone. A DRE without states begins at the
recorded ones; a sequencer without its index of ids needs hb rebuild --from, before it starts.

Examples:
  hb log trim --before-interval 40 --from file:./archive
  hb log trim --before-interval 40 --from file:./archive --execute
  hb log trim --before-interval 40 --from file:./archive --bootstrap-server host:9092 --execute`

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
  const log = program.command('log').description('read the log, and trim it')
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
  const trim = log
    .command('trim')
    .description('delete what the archive and a snapshot both hold')
    .requiredOption('--before-interval <number>', 'what lies before this interval', wholeValue)
    .option('--execute', 'delete it; without, it is only verified and shown')
    .option('--data <dir>', `the embedded log there (default ${DEFAULT_DATA})`)
  brokerOptions(signaturesOption(archiveOptions(trim))).addHelpText('after', TRIM_HELP)
  jsonOption(trim).action(async (options: TrimLogOptions) => {
    const { trimLog } = await import('../log-trim.ts')
    await trimLog(context, options)
  })
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
