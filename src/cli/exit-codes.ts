// What the exit code of every command says. The help shows this table.

import type { ErrorCode } from '../std/errors.ts'
import { isHbError } from '../std/errors.ts'

export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, pending: 4 } as const

export const EXIT_HELP = `Exit codes:
  0  done; a message's result is ok
  1  refused, or the result is an error, or something else failed
  2  the command is not used as it should be
  3  the node, the brokers or the schema registry cannot be reached
  4  not finished within --timeout: ask again with "hb result"`

const USAGE: readonly ErrorCode[] = [
  'usage',
  'id-malformed',
  'query-invalid',
  'wallet-exists',
  'file-unreadable',
  'folder-not-empty',
  'bootstrap-servers-invalid',
  'client-properties-invalid',
  'connector-config-invalid',
]

const UNREACHABLE: readonly ErrorCode[] = [
  'node-unreachable',
  'log-unreachable',
  'schema-registry-unreachable',
]

export function exitCodeOf(error: unknown): number {
  if (!isHbError(error)) return EXIT.failed
  if (UNREACHABLE.includes(error.code)) return EXIT.unreachable
  if (error.code === 'node-too-slow') return EXIT.pending
  return USAGE.includes(error.code) ? EXIT.usage : EXIT.failed
}
