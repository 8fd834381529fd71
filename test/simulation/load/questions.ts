// What became of the questions of the fan-out workload: each ends once, rightly, and none is left;
// what was held for those that were answered in time is paid, and all else is where it was.

import type { Violation } from '../../chaos/checker/index.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import type { AnswererConduct } from './answerer.ts'
import type { Ending } from './workload.ts'

/** By process: how it answers; one that is not there is nobody. */
export type Answerers = ReadonlyMap<string, AnswererConduct>

type Asked = {
  readonly kind: string
  readonly deadlineMs: number
  readonly holdMs: number
  readonly targets: readonly string[]
  readonly at: number
}
type End = {
  readonly outcome: string
  readonly parts: readonly string[]
  readonly isHeld: boolean
  readonly at: number
}
/** Who asks whom, and what each asker has to pay with. */
export type Inquiry = {
  readonly askers: ReadonlySet<string>
  readonly answerers: Answerers
  readonly bank: number
}
type Asker = {
  readonly requests: { readonly open: number }
  readonly purse: Readonly<Record<string, string>>
}

/** How a part may end, by who was asked. */
const ENDS: Readonly<Record<AnswererConduct | 'nobody', readonly string[]>> = {
  answers: ['reply', 'none'],
  twice: ['reply', 'none'],
  late: ['reply', 'none'],
  silent: ['none'],
  fails: ['bounce', 'none'],
  nobody: ['bounce', 'none'],
}

export function questionsEnd(
  { partitions, states }: Pick<Ending, 'partitions' | 'states'>,
  { askers, answerers, bank }: Inquiry,
): Violation[] {
  const told: Violation[] = []
  const asked = new Map<string, Asked>()
  const ended = new Map<string, End[]>()
  const paid = new Map([...askers].map((id) => [id, 0]))
  for (const { entries, results } of partitions) {
    entries.forEach((entry, height) => {
      const { process, id, kind, tags } = entry.message
      const result = results[height]
      if (!askers.has(process) || result?.status !== 'ok') return
      if (kind === 'message' && tagValue(tags, 'Action') === 'Ask') asked.set(id, askedBy(entry))
      for (const sent of result.messages) {
        if (sent.kind !== 'event' || tagValue(sent.tags, 'Action') !== 'Ended') continue
        const question = tagValue(sent.tags, 'Question') ?? ''
        const outcome = tagValue(sent.tags, 'Outcome') ?? ''
        const parts = (tagValue(sent.tags, 'Parts') ?? '').split(' ')
        const isHeld = tagValue(sent.tags, 'Held') === 'true'
        if (isHeld && outcome === 'reply') paid.set(process, (paid.get(process) ?? 0) + 1)
        const end = { outcome, parts, isHeld, at: entry.timestamp }
        ended.set(question, [...(ended.get(question) ?? []), end])
      }
    })
  }
  const tell = (id: string, text: string): void => {
    told.push({ invariant: 'questions-end-once', id, text })
  }
  for (const id of ended.keys()) if (!asked.has(id)) tell(id, 'ended, and was never asked')
  for (const [id, question] of asked) {
    const ends = ended.get(id) ?? []
    if (ends.length !== 1) tell(id, `a question ended ${ends.length} times`)
    const wrong = ends.map((end) => whyWrong(question, end, answerers)).find((why) => why !== '')
    if (wrong !== undefined) tell(id, wrong)
  }
  for (const id of askers) {
    const { requests, purse } = JSON.parse(states.get(id) ?? '{}') as Asker
    if (requests.open !== 0) tell(id, `${requests.open} requests are open at the end`)
    const count = paid.get(id) ?? 0
    const { bank: left, paid: got = '0' } = purse
    if (left === String(bank - count) && got === String(count)) continue
    const text = `${left} of ${bank} are left and ${got} paid, for ${count} answers in time`
    told.push({ invariant: 'holds-end-once', id, text })
  }
  return told
}

function askedBy({ timestamp, message: { data } }: Entry): Asked {
  return { ...(JSON.parse(Buffer.from(data).toString()) as Omit<Asked, 'at'>), at: timestamp }
}

/** '' where the end is right. */
function whyWrong(asked: Asked, end: End, who: Answerers): string {
  const { kind, deadlineMs, holdMs, targets, at } = asked
  const { outcome, parts, isHeld } = end
  const has = (part: string): boolean => parts.includes(part)
  const said = `${kind} ended as ${outcome} of [${parts.join(' ')}]`
  if (!isHeld && end.at < at + holdMs) return `${said}: what is held was given back too early`
  if (parts.length !== targets.length) return `${said}, and ${targets.length} were asked`
  for (const [index, target] of targets.entries()) {
    const conduct = who.get(target) ?? 'nobody'
    const part = parts[index] as string
    if (!ENDS[conduct].includes(part)) return `${said}: ${part} of one who ${conduct}`
  }
  if (outcome === 'expired') {
    if (end.at < at + deadlineMs) return `${said}, ${at + deadlineMs - end.at} ms too early`
    const isOver = kind === 'all' ? !has('none') : has('reply') || !has('none')
    return isOver ? `${said}, and had its answers` : ''
  }
  if (kind === 'all') {
    const all = has('none') ? '' : has('bounce') ? 'bounce' : 'reply'
    return outcome === all ? '' : said
  }
  const any = has('reply') ? 'reply' : has('none') ? '' : 'bounce'
  return outcome === any ? '' : said
}
