// Installs warp-contracts in the folder that is its own (test/differential/warp), as its lock file
// says: the comparison and the benchmark need it, nothing else does.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What npm has to say goes to stderr; false: it failed. */
export function installWarp() {
  const cwd = fileURLToPath(new URL('../test/differential/warp/', import.meta.url))
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  return spawnSync('npm', ['ci', ...quiet], { cwd, stdio: ['ignore', 2, 2] }).status === 0
}
