// The host module that the evaluator's tests give to workers: a few native contracts and an outbox check.
import { HbError } from '../../../src/std/errors.ts'
import type { CreateHost } from '../../../src/runtime/evaluator/port.ts'

export const createHost: CreateHost = () => {
  let seen = 0
  return {
    natives: {
      /** Tells how many evaluations of its kind this worker ran before. */
      'seen@1': () => ({ messages: [{ target: 'x', data: seen++ }] }),
      'counter@1': (state) => {
        state['n'] = Number(state['n'] ?? 0) + 1
        return { messages: [{ target: 'x', data: { n: state['n'] } }] }
      },
      'crash@1': () => {
        process.exit(3)
      },
      'spin@1': () => {
        for (;;);
      },
    },
    checkOutbox: (messages, parent) => {
      if (messages.length > parent.count) throw new HbError('count-exhausted', 'too many')
      return messages.map((message) => ({ ...(message as object), hops: parent.hops - 1 }))
    },
  }
}
