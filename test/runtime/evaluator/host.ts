// The host module that the evaluator's tests give to workers: a few native contracts and an outbox check.
import { HbError } from '../../../src/std/errors.ts'
import type { CreateHost, EvaluatorHost } from '../../../src/runtime/evaluator/port.ts'
import { SANDBOX } from '../../../src/runtime/sandbox-version.ts'

type Natives = EvaluatorHost['levels'][number]['natives']

export const createHost: CreateHost = () => {
  let seen = 0
  const natives: Natives = {
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
  }
  const by = (n: number): Natives => ({
    'level@1': () => ({ messages: [{ target: 'x', data: n }] }),
  })
  return {
    levels: [
      { level: 1, sandbox: SANDBOX, natives: { ...natives, ...by(1) } },
      { level: 2, sandbox: SANDBOX, natives: { ...natives, ...by(2) } },
      { level: 3, sandbox: { engine: 'other', version: '1' }, natives },
    ],
    checkOutbox: (messages, parent) => {
      if (messages.length > parent.count) throw new HbError('count-exhausted', 'too many')
      return messages.map((message) => ({ ...(message as object), hops: parent.hops - 1 }))
    },
  }
}
