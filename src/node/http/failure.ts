// Errors as HTTP shows them: {"error": {"code", "message", "advice", "detail"}} with a status by
// kind of error.
//
// Invariants: F1 what is not an HbError, and what is our own fault or the operator's, shows no
// detail: it could hold paths or internals; it goes to `onError` instead. F2 every 503 carries
// Retry-After.

import type { FastifyError, FastifyReply } from 'fastify'
import type { ErrorCode, ErrorKind } from '../../std/errors.ts'
import { HbError, isHbError } from '../../std/errors.ts'

export type ErrorBody = {
  readonly code: string
  readonly message: string
  readonly advice: string
  readonly detail: string
}

const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  input: 400,
  contract: 422,
  capacity: 503,
  operator: 500,
  transient: 503,
  bug: 500,
}

const STATUS_BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  'body-too-large': 413,
  'message-too-large': 413,
  'batch-too-many': 413,
  'media-type-unsupported': 415,
  'request-too-slow': 408,
  'message-unknown': 404,
  'partition-unknown': 404,
  'process-not-found': 404,
  'state-not-kept': 404,
  'route-unknown': 404,
  'method-unknown': 405,
  'process-failed': 409,
}

export function statusOf(error: HbError): number {
  return STATUS_BY_CODE[error.code] ?? STATUS_BY_KIND[error.kind]
}

export function errorBody(error: HbError): ErrorBody {
  const hidden = error.kind === 'bug' || error.kind === 'operator'
  const { code, message, advice, detail } = error
  return {
    code,
    message: hidden ? messageAlone(error) : message,
    advice,
    detail: hidden ? '' : detail,
  }
}

/** Any thrown value as an HbError; what the framework throws gets the code that fits it. */
export function asHbError(error: unknown, bodyBytesMax?: number): HbError {
  if (isHbError(error)) return error
  switch ((error as Partial<FastifyError> | null)?.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HbError(
        'body-too-large',
        bodyBytesMax === undefined ? '' : `at most ${bodyBytesMax} bytes`,
      )
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return new HbError('media-type-unsupported')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_BAD_URL':
    case 'ECONNRESET':
      return new HbError('body-malformed')
    case 'FST_ERR_REOPENED_CLOSE_SERVER':
      return new HbError('node-stopping')
    default:
      return new HbError('internal-error', '', { cause: error })
  }
}

export function sendError(
  reply: FastifyReply,
  error: HbError,
  retryAfterS: number,
  more = {},
): void {
  const status = statusOf(error)
  if (status === 503) reply.header('retry-after', String(retryAfterS))
  reply.code(status).send({ error: errorBody(error), ...more })
}

function messageAlone(error: HbError): string {
  return new HbError(error.code).message
}
