// The one table of errors: code → kind, message, what to do. A test holds docs/ERRORS.md against it.
// Codes are kebab-case, grouped by the room that raises them, and never renamed once released.

import type { ErrorRow } from './errors.ts'

export const ERROR_TABLE = {
  // std
  'queue-full': {
    kind: 'capacity',
    message: 'the queue is full',
    advice: 'Wait and send again; nothing of the refused request was kept.',
  },
  'queue-closed': {
    kind: 'transient',
    message: 'the queue is closed',
    advice: 'The service is stopping; send again to another node or later.',
  },
  // log
  'log-append-refused': {
    kind: 'transient',
    message: 'the append was refused and wrote nothing',
    advice: 'Append again.',
  },
  'log-append-unclear': {
    kind: 'transient',
    message: 'the append may or may not have been written',
    advice: 'Read the log to find out before appending again.',
  },
} as const satisfies Record<string, ErrorRow>
