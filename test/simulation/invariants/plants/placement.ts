// Bad histories of messages and their places (../placement.ts): of entries, receipts, refusals for
// expiry, and of what readers of the log show.

import type { MessageStatus, ProcessView, Receipt } from '../../../../src/node/index.ts'
import { toBase64Url } from '../../../../src/std/bytes.ts'
import type { GoodHistory } from '../good-history.ts'
import { isAt, isIn, P, told } from '../good-history.ts'
import { appendedTo, inserted, next, RECORDS } from '../tape.ts'
import type { Tape } from '../tape.ts'
import type { Happening } from '../watch.ts'
import type { Plants } from './plant.ts'

const OTHER_HASH = Buffer.alloc(32, 1)

export const PLACE_PLANTS: Plants = {
  "a wallet's message twice": {
    breaks: 'one-message-one-place',
    tape: (good) => good.asNext(good.messageAt(good.signed.height)),
  },
}

export const CHAIN_PLANTS: Plants = {
  'a record that nobody could have written': {
    breaks: 'chain-unbroken',
    tape: (good) => good.inLog(Buffer.from('no record of ours')),
  },
  'an entry that extends one which is nowhere': {
    breaks: 'chain-unbroken',
    tape: (good) => {
      const nowhere = { height: 9_999, prev: OTHER_HASH }
      return good.asNext(good.messageAt(good.signed.height), nowhere)
    },
  },
  'an entry that fits and is older than the one before': {
    breaks: 'chain-unbroken',
    tape: (good) => good.asNext(good.messageAt(good.signed.height), { timestamp: 1 }),
  },
  'an entry that fits, out of its channel': {
    breaks: 'chain-unbroken',
    tape: (good) => good.asNext(good.relay({ seq: good.counter + 2 })),
  },
  'an entry that fits, again in its channel': {
    breaks: 'chain-unbroken',
    tape: (good) => good.asNext(good.relay({})),
  },
  'a hole in the offsets of the log': {
    breaks: 'chain-unbroken',
    tape: (good) => {
      const hole = appendedTo(good.tape, 'hb.log', P, Buffer.from('x'))
      const record = { ...hole.record, offset: hole.record.offset + 1 }
      return good.followed({ ...hole, record })
    },
  },
  'an entry of a version that this reader lacks': {
    breaks: 'chain-unbroken',
    tape: (good) => {
      const value = next(good.known, P, good.messageAt(good.signed.height))
      value[3] = (value[3] ?? 0) ^ 1
      return good.inLog(value)
    },
  },
}

function sequenced(good: GoodHistory): MessageStatus & { readonly receipt: Receipt } {
  const { partition, height, hash, timestamp, message } = good.signed
  const receipt = { partition, height, hash: toBase64Url(hash), timestamp }
  return { id: message.id, stage: 'sequenced', receipt }
}

export const RECEIPT_PLANTS: Plants = {
  'a receipt for another hash': {
    breaks: 'receipts-hold',
    tape: (good) => {
      const status = sequenced(good)
      const receipt = { ...status.receipt, hash: toBase64Url(OTHER_HASH) }
      return good.followed(told({ ...status, receipt }))
    },
  },
  'a receipt before its entry': {
    breaks: 'receipts-hold',
    tape: (good) => {
      const offset = good.partition.offsets[good.signed.height]
      const at = good.find((each) => isIn('hb.log')(each) && isAt(each, offset))
      return inserted(good.tape, at, told(sequenced(good)))
    },
  },
  'a receipt for what another message has': {
    breaks: 'receipts-hold',
    tape: (good) => good.followed(told({ ...sequenced(good), id: good.relayed.message.id })),
  },
  'a refusal of what has a place': {
    breaks: 'receipts-hold',
    tape: (good) => good.followed(told({ id: good.signed.message.id, stage: 'refused' })),
  },
  'a place for what was refused': {
    breaks: 'receipts-hold',
    tape: (good) => {
      return inserted(good.tape, 0, told({ id: good.signed.message.id, stage: 'refused' }))
    },
  },
}

export const EXPIRY_PLANTS: Plants = {
  'refused as expired when the log was not past it': {
    breaks: 'expiry-by-log-time',
    tape: (good) => good.followed(...good.expired(good.partition.view.timestamp)),
  },
  'refused as expired without an expiry': {
    breaks: 'expiry-by-log-time',
    tape: (good) => {
      const record = good.unplaced()
      return good.followed(record, good.refused(record, 'expired'))
    },
  },
}

function head(good: GoodHistory, change: object): Tape {
  const { height, hash, timestamp, counters } = good.partition.view
  const value = RECORDS.head.encode({
    ...{ partition: P, height, hash, timestamp, counters },
    ...change,
  })
  return good.followed(appendedTo(good.tape, 'hb.registry', 0, value))
}

/** The newest view of a process that a node showed, with something else in it. */
function shown(good: GoodHistory, change: (of: ProcessView) => Partial<ProcessView>): Tape {
  const at = good.find((each) => each.type === 'process')
  const seen = good.tape.happenings[at] as Happening & { readonly type: 'process' }
  return good.followed({ ...seen, process: { ...seen.process, ...change(seen.process) } })
}

export const READER_PLANTS: Plants = {
  'a head with another hash': {
    breaks: 'readers-agree',
    tape: (good) => head(good, { hash: OTHER_HASH }),
  },
  'a head above the log': {
    breaks: 'readers-agree',
    tape: (good) => head(good, { height: good.height + 1 }),
  },
  'a head that counts more of a channel': {
    breaks: 'readers-agree',
    tape: (good) => head(good, { counters: [9_999, 9_999] }),
  },
  'a node that shows a height above the log': {
    breaks: 'readers-agree',
    tape: (good) => {
      const at = good.find((each) => each.type === 'health')
      const seen = good.tape.happenings[at] as Happening & { readonly type: 'health' }
      const height = good.height + 1
      const partitions = seen.health.partitions.map((each) => ({ ...each, height }))
      return good.followed({ ...seen, health: { ...seen.health, partitions } })
    },
  },
  'a node that shows a process at another height': {
    breaks: 'readers-agree',
    tape: (good) => shown(good, ({ height }) => ({ height: height - 1 })),
  },
  'a node that shows another state of a process': {
    breaks: 'readers-agree',
    tape: (good) => shown(good, () => ({ stateHash: 'another' })),
  },
}
