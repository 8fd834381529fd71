// The verifier without threads, for tests and simulation: same verdicts, on the caller's thread.

import { createDataItemVerifier } from '../protocol/ans104/index.ts'
import { HbError } from '../std/errors.ts'
import type { Verifier } from './port.ts'

/** `ownersMax`: owners whose key objects are kept. Default 4096. */
export function createInlineVerifier(options: { ownersMax?: number } = {}): Verifier {
  const verifier = createDataItemVerifier(options)
  let closed = false
  return {
    verify: async (items) => {
      if (closed) throw new HbError('queue-closed', 'verifier')
      return items.map((item) => verifier.bytes(item))
    },
    close: async () => {
      closed = true
    },
  }
}
