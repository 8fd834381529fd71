// Installs arlocal in the folder that is its own (test/arweave-gateway/arlocal), as its lock file
// says, where it is not there yet: it compiles SQLite, which takes a minute and a half.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What npm has to say goes to stderr; false: it failed. */
export function installArlocal() {
  const cwd = fileURLToPath(new URL('../test/arweave-gateway/arlocal/', import.meta.url))
  // npm writes it last
  if (existsSync(`${cwd}node_modules/.package-lock.json`)) return true
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  return spawnSync('npm', ['ci', ...quiet], { cwd, stdio: ['ignore', 2, 2] }).status === 0
}
