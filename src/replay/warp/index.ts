// What the rest of the house needs of a Warp history: read the two files, evaluate, import.

export { readContract, readEvaluated } from './contract.ts'
export type { WarpContract, WarpEvaluated } from './contract.ts'
export { evaluateHistory, importedState } from './evaluate.ts'
export type { EvaluatedHistory } from './evaluate.ts'
export { recordedFacts, RESERVED } from './history.ts'
export type { WarpVerdict } from './history.ts'
export { readInteractions } from './interactions.ts'
export type { WarpInteraction } from './interactions.ts'
