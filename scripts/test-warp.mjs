// SmartWeave contracts against warp-contracts: installs it, then runs the comparison
// (test/differential/main.ts); arguments go there.
//
// Invariant: the last line on stdout is "N passed, N failed"; no install is a failure.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { installWarp } from './install-warp.mjs'

if (installWarp()) {
  const main = fileURLToPath(new URL('../test/differential/main.ts', import.meta.url))
  const run = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exitCode = run.status ?? 1
} else {
  console.log('warp-contracts was not installed: see npm’s output above')
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
