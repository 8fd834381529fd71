// What the runtime's tests share: limits, an action, a module.
import { sha256 } from '../../src/std/bytes.ts'
import type { EvaluationLimits, ModuleSource } from '../../src/runtime/port.ts'

export const LIMITS: EvaluationLimits = {
  gasMax: 20_000_000,
  stateBytesMax: 1_000_000,
  stateDepthMax: 64,
  outputBytesMax: 1_048_576,
  pendingPromisesMax: 1_024,
}

export function moduleOf(source: string): ModuleSource {
  return { engine: 'quickjs', hash: sha256(Buffer.from(source)).toString('base64url'), source }
}

const ID = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ'

export function actionText(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    kind: 'message',
    caller: ID,
    from: 'wallet',
    input: null,
    id: ID,
    height: 12,
    slot: 3,
    timestamp: 1_700_000_000_123,
    tags: {},
    data: '',
    dataEncoding: 'utf8',
    hops: 8,
    budget: '0',
    ...fields,
  })
}
