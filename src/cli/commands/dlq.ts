// hb dlq: what was refused: listed, shown, and sent again through a node's door.

import type { Command } from 'commander'
import type { Client, MessageStatus } from '../../client/index.ts'
import { toBase64Url, utf8Text } from '../../std/bytes.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import type { Letter } from '../dead-letters.ts'
import { EXIT } from '../exit-codes.ts'
import type { HistoryOptions } from '../history.ts'
import { dataOption, withHistory } from '../history.ts'
import { jsonOption, openClient, urlOption, wholeValue } from '../options.ts'
import type { Cell } from '../table.ts'
import { pairLines, shortId, tableLines } from '../table.ts'
import { paint, printable } from '../terminal.ts'

const HELP = `
A dead letter is a record of ingress that was refused, with the header names of Kafka Connect.
redrive sends it again through a node, which checks it as any other: what was put on a wrong
partition or under a wrong key gets its right place. It may be interrupted and run again: what has
a place already is not ordered twice. What was refused after it had been accepted (its sender was
told, and may have sent another) is only sent again with --force.

Examples:
  hb dlq list --bootstrap-server kafka:9092
  hb dlq list --code record-malformed --json
  hb dlq show 17
  hb dlq redrive --code record-malformed --dry-run
  hb dlq redrive --offset 17 --bootstrap-server kafka:9092`

type Options = HistoryOptions & {
  readonly code?: string
  readonly offset?: number
  readonly limit?: number
  readonly dryRun?: true
  readonly force?: true
  readonly json?: true
}

const LIST_LIMIT = 100

export function addDlq(program: Command, context: CommandContext): void {
  const dlq = program.command('dlq').description('look at dead letters, and send them again')
  dlq.addHelpText('after', HELP)
  const list = dlq.command('list').description('list what was refused, the newest last')
  list.option('--code <code>', 'refused for this reason alone')
  list.option('--limit <count>', 'the newest so many', wholeValue, LIST_LIMIT)
  jsonOption(dataOption(urlOption(list))).action((o: Options) => listLetters(context, o))
  const show = dlq.command('show <offset>').description('show one, with the refused record')
  jsonOption(dataOption(urlOption(show))).action((offset: string, o: Options) =>
    showLetter(context, { ...o, offset: wholeValue(offset) }),
  )
  const redrive = dlq.command('redrive').description('send refused messages again')
  redrive
    .option('--code <code>', 'refused for this reason alone')
    .option('--offset <number>', 'this dead letter alone', wholeValue)
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option('--force', 'also what its sender was told is refused')
  jsonOption(dataOption(urlOption(redrive))).action((o: Options) => redriveLetters(context, o))
}

/** Those that the options mean, one after another: there may be four weeks of them. */
async function eachLetter(
  context: CommandContext,
  options: Options,
  take: (letter: Letter) => void,
): Promise<void> {
  const { topicNames } = await import('../../protocol/topics.ts')
  const { readLetters } = await import('../dead-letters.ts')
  return withHistory(context, options, async ({ log, applicationId }) => {
    for await (const letter of readLetters(log, topicNames(applicationId).deadletters)) {
      if (options.code !== undefined && letter.code !== options.code) continue
      if (options.offset !== undefined && letter.offset !== options.offset) continue
      take(letter)
    }
  })
}

async function listLetters(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const { limit = LIST_LIMIT } = options
  const shown: View[] = []
  let count = 0
  await eachLetter(context, options, (letter) => {
    count += 1
    shown.push(viewOf(letter))
    if (shown.length > limit) shown.shift()
  })
  if (options.json === true) {
    return terminal.out(JSON.stringify({ ok: true, count, letters: shown }))
  }
  const right = { align: 'right' as const }
  const columns = [
    { title: 'offset', ...right },
    { title: 'refused' },
    { title: 'record' },
    { title: 'message' },
    { title: 'attempts', ...right },
    { title: 'code' },
    { title: 'why', width: 60 },
  ]
  const rows = shown.map((letter): Cell[] => [
    letter.offset,
    new Date(letter.timestamp).toISOString(),
    `${letter.partition}/${letter.recordOffset}`,
    letter.id === undefined ? '-' : shortId(letter.id),
    letter.attempts,
    letter.code,
    letter.text,
  ])
  for (const line of tableLines(columns, rows, paint(terminal.color))) terminal.out(line)
  if (shown.length < count) {
    terminal.err(`the newest ${shown.length} of ${count}: --limit shows more`)
  }
}

async function showLetter(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const found: Letter[] = []
  await eachLetter(context, options, (letter) => void found.push(letter))
  const [letter] = found
  if (letter === undefined) {
    throw new HbError('query-invalid', `there is no dead letter at offset ${options.offset}`)
  }
  if (options.json === true) {
    const value = letter.value === null ? null : toBase64Url(letter.value)
    return terminal.out(JSON.stringify({ ok: true, ...viewOf(letter), value }))
  }
  const colors = paint(terminal.color)
  const pairs: [string, Cell][] = Object.entries(viewOf(letter)).map(([name, value]) => {
    return [name, printable(String(value))]
  })
  for (const line of pairLines(pairs, colors)) terminal.out(line)
  const text = letter.value === null ? undefined : utf8Text(letter.value)
  if (letter.value === null) terminal.out(colors.dim('the record was too large to be kept'))
  else terminal.out(printable(text ?? toBase64Url(letter.value)))
}

type Redriven = {
  readonly offset: number
  readonly id?: string
  readonly outcome: 'sent' | 'would-send' | 'placed' | 'told' | 'no-message' | 'refused'
  readonly error?: { readonly code: string; readonly text: string }
}

async function redriveLetters(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  // of each message the newest
  const newest = new Map<string, Letter>()
  await eachLetter(context, options, (letter) => {
    newest.set(letter.id ?? `at ${letter.offset}`, letter)
  })
  if (newest.size === 0) throw new HbError('query-invalid', 'no dead letter is meant by that')
  const client = await openClient(context, options)
  const all: Redriven[] = []
  for (const letter of newest.values()) {
    const done = await redrive(client, letter, options)
    all.push(done)
    if (options.json === true) continue
    const { offset, id = '-', outcome, error } = done
    const why = error === undefined ? '' : ` ${error.code}: ${printable(error.text)}`
    terminal.out(`${offset} ${id} ${outcome}${why}`)
  }
  const failed = all.filter(({ outcome }) => outcome === 'refused' || outcome === 'told')
  context.exitCode = failed.length > 0 ? EXIT.failed : EXIT.ok
  if (options.json === true) {
    terminal.out(JSON.stringify({ ok: failed.length === 0, letters: all }))
  } else if (failed.some(({ outcome }) => outcome === 'told')) {
    terminal.err('told: the sender knows that it is refused; --force sends it all the same')
  }
}

async function redrive(client: Client, letter: Letter, options: Options): Promise<Redriven> {
  const { offset, id, item } = letter
  if (id === undefined || item === undefined) return { offset, outcome: 'no-message' }
  const status = await statusOf(client, id)
  if (status?.receipt !== undefined) return { offset, id, outcome: 'placed' }
  const isTold = letter.wasTold || status?.stage === 'refused'
  if (isTold && options.force !== true) return { offset, id, outcome: 'told' }
  if (options.dryRun === true) return { offset, id, outcome: 'would-send' }
  try {
    await client.submit(item)
    return { offset, id, outcome: 'sent' }
  } catch (error) {
    if (!isHbError(error) || error.kind !== 'input') throw error
    const text = error.detail ?? error.message
    return { offset, id, outcome: 'refused', error: { code: error.code, text } }
  }
}

async function statusOf(client: Client, id: string): Promise<MessageStatus | undefined> {
  return client.message(id).catch((error: unknown) => {
    if (isHbError(error, 'message-unknown')) return undefined
    throw error
  })
}

type View = Omit<Letter, 'value' | 'item' | 'wasTold'>

function viewOf({ value: _value, item: _item, wasTold: _told, ...view }: Letter): View {
  return view
}
