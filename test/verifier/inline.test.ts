// The conformance suite on the caller's own thread.

import { createInlineVerifier } from '../../src/verifier/index.ts'
import { verifierTests } from './conformance.ts'

verifierTests('inline', () => createInlineVerifier())
