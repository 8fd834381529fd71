// Signature checks of data items in batches: on all cores (pool) or on the caller's thread
// (inline).

export { createInlineVerifier } from './inline.ts'
export { createVerifierPool, type VerifierPoolOptions } from './pool.ts'
export type { Verdict, Verifier } from './port.ts'
export {
  rememberVerdicts,
  type RememberingOptions,
  type RememberingVerifier,
} from './remembering.ts'
