// Bad histories of results (../results.ts): of runs in the outbox, and of what nodes tell of them.

import { resultView } from '../../../../src/node/views.ts'
import type { Result, Run } from '../../../../src/protocol/result.ts'
import { isIn, P, told } from '../good-history.ts'
import type { GoodHistory } from '../good-history.ts'
import { appendedTo, inserted, lastOf, RECORDS, runOfRecord } from '../tape.ts'
import type { Appended, Tape } from '../tape.ts'
import type { Plants } from './plant.ts'

function inOutbox(good: GoodHistory, run: Pick<Run, 'from' | 'results'>): Tape {
  const value = RECORDS.encodeRun({ partition: P, attestation: null, ...run })
  return good.followed(appendedTo(good.tape, 'hb.outbox', P, value))
}

export const RESULT_PLANTS: Plants = {
  'a height published with two results': {
    breaks: 'results-final',
    tape: (good) => {
      const result = good.results[5] as Result
      return inOutbox(good, { from: 5, results: [{ ...result, gas: result.gas + 1 }] })
    },
  },
  'a result of no accepted entry': {
    breaks: 'results-final',
    tape: (good) => {
      const from = good.results.length
      const result = { ...lastOf(good.results), height: from, messages: [] }
      return inOutbox(good, { from, results: [result] })
    },
  },
  'a result of another entry': {
    breaks: 'results-final',
    tape: (good) => {
      return good.lastRun(() => true, (result) => ({ ...result, entryHash: Buffer.alloc(32, 1) }))
    },
  },
  'a result with another slot': {
    breaks: 'results-final',
    tape: (good) => good.lastRun(() => true, (result) => ({ ...result, slot: result.slot + 1 })),
  },
  'a run that leaves heights out': {
    breaks: 'results-final',
    tape: (good) => {
      return inOutbox(good, { from: good.results.length + 1, results: [lastOf(good.results)] })
    },
  },
  'a record in the outbox that is no run': {
    breaks: 'results-final',
    tape: (good) => {
      return good.followed(appendedTo(good.tape, 'hb.outbox', P, Buffer.from('no run')))
    },
  },
  'another result told than is published': {
    breaks: 'results-final',
    tape: (good) => {
      const view = resultView(good.network, P, good.results[good.signed.height] as Result)
      const result = { ...view, gas: view.gas + 1 }
      return good.followed(told({ id: result.messageId, stage: 'evaluated', result }))
    },
  },
  'a result told before it is published': {
    breaks: 'results-final',
    tape: (good) => {
      const { height, message } = good.signed
      const result = resultView(good.network, P, good.results[height] as Result)
      const at = good.find((each) => {
        if (!isIn('hb.outbox')(each)) return false
        return runOfRecord(each as Appended).results.some((one) => one.height === height)
      })
      return inserted(good.tape, at, told({ id: message.id, stage: 'evaluated', result }))
    },
  },
}
