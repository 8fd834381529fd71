// The slow suites (slow-suites.mjs says which, and why). `npm test` leaves them to this script, so
// that it stays quick. Arguments go to jest, in place of the list of suites.
//
// Invariant: the last line on stdout is "N passed, N failed".

import { runSuites } from './test.mjs'
import { SLOW_SUITES } from './slow-suites.mjs'

const args = process.argv.slice(2)
await runSuites(args.length === 0 ? SLOW_SUITES : args)
