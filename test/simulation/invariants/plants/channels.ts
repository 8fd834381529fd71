// Bad histories of what results send to other partitions, and of what is accepted there
// (../channels.ts).

import { isEntry, sends } from '../good-history.ts'
import { cut, entryOfRecord, RECORDS } from '../tape.ts'
import type { Appended } from '../tape.ts'
import type { Plants } from './plant.ts'

export const CHANNEL_PLANTS: Plants = {
  'a message of a process that was never sent': {
    breaks: 'channels-in-order',
    tape: (good) => {
      return good.asNext(good.relay({ seq: good.counter + 1, data: Buffer.from('forged') }))
    },
  },
  'a message of a process that is not what was sent': {
    breaks: 'channels-in-order',
    tape: (good) => {
      const at = good.find((each) => {
        return isEntry(each) && entryOfRecord(each as Appended).message.type === 'relayed'
      })
      const original = good.appended(at)
      const entry = entryOfRecord(original)
      const message = good.relay({ data: Buffer.from('forged') })
      const value = RECORDS.encodeEntry({ ...entry, message })
      return cut(good.tape, at, { ...original, record: { ...original.record, value } })
    },
  },
  'a result that leaves a number out': {
    breaks: 'channels-in-order',
    tape: (good) =>
      good.lastRun(sends, (result) => ({
        ...result,
        messages: result.messages.map((each) => {
          return each.kind === 'event' ? each : { ...each, seq: each.seq + 1 }
        }),
      })),
  },
}
