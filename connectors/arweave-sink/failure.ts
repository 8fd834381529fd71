// What failed: as an error with a code, and as the trace that Kafka Connect's status shows.

import { HbError, isHbError } from '../../src/index.ts'

export function asHbError(error: unknown): HbError {
  if (isHbError(error)) return error
  return new HbError('internal-error', String(error), { cause: error })
}

/** Lines: code and message, what to do, and what it was caused by; without places in the code. */
export function traceOf(error: HbError): string {
  const lines = [`${error.code}: ${error.message}`, `\t${error.advice}`]
  let { cause } = error
  for (let depth = 0; cause instanceof Error && depth < CAUSES_MAX; depth++) {
    lines.push(`Caused by: ${String(cause)}`)
    cause = cause.cause
  }
  return lines.join('\n')
}

const CAUSES_MAX = 8
