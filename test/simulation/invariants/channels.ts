// R3's channels: what the results of one partition send to another is numbered 1, 2, 3, … and is
// accepted there in that order, unaltered.

import type { Entry } from '../../../src/protocol/entry.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { equalBytes } from '../../../src/std/bytes.ts'
import type { Sent } from './known.ts'
import type { Invariant } from './watch.ts'

/**
 * Numbers without gap on both sides, counted here without `accept`; and what is accepted is the
 * very message that the source's result sent.
 */
export const channelsInOrder: Invariant = (known, tell) => {
  const count = known.partitions.length
  const none = (): number[] => new Array<number>(count * count).fill(0)
  const [accepted, numbered] = [none(), none()]
  return {
    log(fact) {
      if (fact.type !== 'entry' || fact.entry.message.origin === undefined) return
      const { partition: target, height, message } = fact.entry
      const { id, origin } = message
      const source = fact.entry.message.origin.partition
      const at = source * count + target
      const next = (accepted[at] ?? 0) + 1
      accepted[at] = next
      if (origin?.seq !== next) {
        const text = `channel ${source}→${target} has ${origin?.seq} where ${next} is next`
        tell({ partition: target, height, id, text })
      }
      const sent = known.sent(source, target)[(origin?.seq ?? 0) - 1]
      if (sent !== undefined && isWhatWasSent(fact.entry, sent)) return
      const text = `is not what ${source}→${target} sent as ${origin?.seq}`
      tell({ partition: target, height, id, text })
    },
    run({ partition: source, fresh }) {
      if (fresh.length === 0) return
      for (let target = 0; target < count; target++) {
        const sent = known.sent(source, target)
        const at = source * count + target
        for (let seq = numbered[at] as number; seq < sent.length; seq++) {
          const { content, height } = sent[seq] as Sent
          if (content.seq === seq + 1) continue
          const text = `sends ${content.seq} to ${target} where ${seq + 1} is next`
          tell({ partition: source, height, text })
        }
        numbered[at] = sent.length
      }
    },
  }
}

/** Field by field: its id and digest are functions of them. */
function isWhatWasSent({ message }: Entry, { caller, height, index, content }: Sent): boolean {
  const { origin } = message
  const place = origin?.height === height && origin.index === index
  return place && message.caller === caller && isSameContent(message, content)
}

function isSameContent(a: Message, b: Sent['content']): boolean {
  const { kind, target, hops, count, budget } = b
  const same = a.kind === kind && a.target === target && a.hops === hops && a.count === count
  const tags = a.tags.length === b.tags.length && a.tags.every(({ name, value }, at) => {
    return b.tags[at]?.name === name && b.tags[at]?.value === value
  })
  return same && tags && a.budget === budget && equalBytes(a.data, b.data)
}
