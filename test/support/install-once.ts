// What tests fetch once for all runs: folders in the user's cache, made by whoever comes first.
//
// Invariants:
//   I1  A folder under its final name is complete: it is made beside it and renamed.
//   I2  One OS process installs at a time (Maven's local repository is shared); the others wait.

import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { takeLock } from '../../scripts/run.mjs'

const LOOK_AGAIN_MS = 200

/** Where the system keeps what can be fetched again: XDG_CACHE_HOME, else the platform's place. */
export function cacheFolder(): string {
  const set = process.env['XDG_CACHE_HOME']
  const place = process.platform === 'darwin' ? 'Library/Caches' : '.cache'
  return join(set === undefined || set === '' ? join(homedir(), place) : set, 'hollowbeam')
}

/** Has `make` fill the folder if it is not there yet, saying so on stderr; resolves with its path. */
export async function installOnce(
  { cache, name, what }: { readonly cache: string; readonly name: string; readonly what: string },
  make: (making: string) => Promise<void>,
): Promise<string> {
  const dir = join(cache, name)
  await mkdir(cache, { recursive: true })
  const lock = join(cache, 'installing')
  while (!existsSync(dir)) {
    if (!takeLock(lock)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
      continue
    }
    try {
      if (!existsSync(dir)) await install(dir, cache, what, make)
    } finally {
      await rm(lock, { force: true })
    }
  }
  return dir
}

async function install(
  dir: string,
  cache: string,
  what: string,
  make: (making: string) => Promise<void>,
): Promise<void> {
  const started = performance.now()
  process.stderr.write(`${what}: fetching it with Maven, once …\n`)
  const making = await mkdtemp(join(cache, 'making-'))
  try {
    await make(making)
    await rename(making, dir)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  const seconds = Math.round((performance.now() - started) / 1000)
  process.stderr.write(`${what}: ready in ${dir} after ${seconds} s\n`)
}
