// The suites that need an Arweave gateway: installs arlocal where it is missing, then runs them.
// Arguments go to jest, in place of the list of suites.
//
// Invariant: the last line on stdout is "N passed, N failed"; no install is a failure.

import { installArlocal } from './install-arlocal.mjs'
import { ARWEAVE_SUITES } from './slow-suites.mjs'
import { runSuites } from './test.mjs'

if (installArlocal()) {
  const args = process.argv.slice(2)
  await runSuites(args.length === 0 ? ARWEAVE_SUITES : args)
} else {
  console.log('arlocal was not installed: see npm’s output above')
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
