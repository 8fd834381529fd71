// The door of the runtime's room.

export { createInlineEvaluator } from './evaluator/inline.ts'
export { createWorkerEvaluator } from './evaluator/workers.ts'
export type { Evaluator, EvaluatorCommand, EvaluatorReply } from './evaluator/port.ts'
export { createSmartweaveRuntime } from './smartweave/runtime.ts'
export { SANDBOX } from './sandbox-version.ts'
