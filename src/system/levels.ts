// Feature levels that this build has: what each means, and so what a partition's entries are
// evaluated with while it holds (protocol/features.ts).
//
// Invariants: L1 a row never changes once it was released: another sandbox, another system
// process, another rule of evaluation is a new row. L2 rows are consecutive; the oldest may go when
// no network stands on it any more.

import { FEATURES_MODULE } from '../protocol/features.ts'
import { SANDBOX } from '../runtime/index.ts'
import type { EvaluatorLevel, NativeHandle } from '../runtime/evaluator/port.ts'
import { CLOCK_MODULE } from './clock-process.ts'
import { handle as clock } from './clock.ts'
import { handle as features } from './features.ts'
import { handle as hbContract } from './hb-contract.ts'

export const FEATURE_LEVELS: readonly EvaluatorLevel[] = [
  {
    level: 1,
    sandbox: SANDBOX,
    natives: {
      'hb-contract@1': hbContract as unknown as NativeHandle,
      [CLOCK_MODULE]: clock as unknown as NativeHandle,
      [FEATURES_MODULE]: features as unknown as NativeHandle,
    },
  },
]
