// One error class over one table (error-table.ts), so that a code, its kind and its advice cannot
// drift apart.
// Invariant: every HbError carries a code of the table; docs/ERRORS.md is generated from the same
// table.

import { ERROR_TABLE } from './error-table.ts'

export type ErrorCode = keyof typeof ERROR_TABLE
/** Who must act: the caller, the contract, the operator, nobody (retry), or us. */
export type ErrorKind = 'input' | 'contract' | 'capacity' | 'operator' | 'transient' | 'bug'

export type ErrorRow = {
  readonly kind: ErrorKind
  readonly message: string
  readonly advice: string
}

/** An error with a code of the table; `detail` says what was seen, `data` is machine-readable. */
export class HbError extends Error {
  readonly code: ErrorCode
  readonly detail: string
  readonly data: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ErrorCode,
    detail = '',
    options: { cause?: unknown; data?: Record<string, unknown> } = {},
  ) {
    const row: ErrorRow = ERROR_TABLE[code]
    super(
      detail === '' ? row.message : `${row.message}: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = 'HbError'
    this.code = code
    this.detail = detail
    this.data = options.data
  }

  get kind(): ErrorKind {
    return ERROR_TABLE[this.code].kind
  }

  get advice(): string {
    return ERROR_TABLE[this.code].advice
  }
}

export function isHbError(error: unknown, code?: ErrorCode): error is HbError {
  return error instanceof HbError && (code === undefined || error.code === code)
}
