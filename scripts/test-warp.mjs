// SmartWeave contracts against warp-contracts: installs it in the folder that is its own (npm ci),
// then runs the comparison (test/differential/main.ts); arguments go there.
//
// Invariant: the last line on stdout is "N passed, N failed"; no install is a failure.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../test/differential/${name}`, import.meta.url))

const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
const install = spawnSync('npm', ['ci', ...quiet], { cwd: path('warp/'), stdio: ['ignore', 2, 2] })
if (install.status === 0) {
  const args = [path('main.ts'), ...process.argv.slice(2)]
  const run = spawnSync(process.execPath, args, { stdio: 'inherit' })
  process.exitCode = run.status ?? 1
} else {
  console.log('warp-contracts was not installed: see npm’s output above')
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
