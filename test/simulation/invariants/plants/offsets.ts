// Bad histories of groups' positions and of what is trimmed (../offsets.ts).

import { commit, isAt, isIn, P, sends, trim } from '../good-history.ts'
import type { GoodHistory } from '../good-history.ts'
import type { Sent } from '../known.ts'
import { appendedTo, cut, followed, inserted, isAppended, newest, runOfRecord } from '../tape.ts'
import type { Appended, Tape } from '../tape.ts'
import type { Plants } from './plant.ts'

/** The other partition: what `P` sends goes there. */
const T = 1

/** Where the newest run is that a relayer must take elsewhere. */
function sending(good: GoodHistory): number {
  return good.find((each) => isIn('hb.outbox')(each) && sends(runOfRecord(each as Appended)))
}

/** Right before the newest message of a channel is placed, its run is committed and trimmed. */
function trimmedEarly(good: GoodHistory): Tape {
  const { entries, offsets } = good.known.partition(T)
  const entry = newest(good.known, T, ({ message }) => message.origin?.partition === P)
  const { seq } = entry.message.origin as { seq: number }
  const sent = good.known.sent(P, T)[seq - 1] as Sent
  // as it is right before the entry: its message is in ingress, and an older run was repeated
  const place = offsets[entries.indexOf(entry)]
  const at = good.find((each) => isAppended(each, 'hb.log', T) && isAt(each, place))
  const before = cut(good.tape, at)
  const run = good.find((each) => isIn('hb.outbox')(each) && isAt(each, sent.offset - 1))
  const value = good.appended(run).record.value as Buffer
  const again = followed(before, appendedTo(before, 'hb.outbox', P, value))
  const relayed = followed(again, commit('hb.relayer', 'hb.outbox', sent.offset + 1))
  return followed(relayed, trim('hb.outbox', sent.offset + 1))
}

export const COMMIT_PLANTS: Plants = {
  'a commit over a message that has no place': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => {
      const record = good.unplaced()
      const done = commit('hb.sequencer', 'hb.ingress', record.record.offset + 1)
      return good.followed(record, done)
    },
  },
  'a commit over an entry without result': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => {
      const at = good.find(isIn('hb.log'))
      const done = commit('hb.dre', 'hb.log', good.appended(at).record.offset + 1)
      return inserted(good.tape, at + 1, done)
    },
  },
  'a commit over a message that is not relayed': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => {
      const at = sending(good)
      const done = commit('hb.relayer', 'hb.outbox', good.appended(at).record.offset + 1)
      return inserted(good.tape, at + 1, done)
    },
  },
}

export const TRIM_PLANTS: Plants = {
  'ingress trimmed beyond its commit': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => {
      const record = good.unplaced()
      return good.followed(record, trim('hb.ingress', record.record.offset + 1))
    },
  },
  'an outbox trimmed over its newest run': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => good.followed(trim('hb.outbox', good.partition.newestRun + 1)),
  },
  'an outbox trimmed beyond its commit': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => {
      const at = sending(good)
      return inserted(good.tape, at + 1, trim('hb.outbox', good.appended(at).record.offset + 1))
    },
  },
  'an outbox trimmed before all of it was settled': {
    breaks: 'offsets-never-pass-effects',
    tape: trimmedEarly,
    says: /the outbox is trimmed .* and 1 has not settled \d+$/,
  },
  'a log trimmed': {
    breaks: 'offsets-never-pass-effects',
    tape: (good) => good.followed(trim('hb.log', 1)),
  },
}
