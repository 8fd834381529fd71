// One OS process at a time per directory. The lock is a file that names its holder; it counts only
// while that very process lives: the same pid with another start time, or another boot of the
// machine, is a leftover and is replaced. It does not see across machines or containers that share
// a volume but not their process ids.
//
// Invariant: whoever holds the file with its own contents under the lock's name is the holder; the
// name is taken with `link`, which is atomic.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

export type LockHolder = {
  readonly pid: number
  /** Clock ticks after boot at which the holder started; empty where the system does not tell. */
  readonly started: string
  /** The boot it runs in; empty where the system does not tell. */
  readonly boot: string
  readonly host: string
}

/** A lock taken: call `release` when done. Or, refused: who holds it. */
export type LockOutcome = { readonly release: () => void } | { readonly holder: LockHolder }

const LOCK_NAME = 'hb.lock'
const ATTEMPTS = 5

export function lockDirectory(dir: string): LockOutcome {
  const path = join(dir, LOCK_NAME)
  const mine = `${path}.${process.pid}`
  const text = JSON.stringify(describeSelf())
  writeFileSync(mine, text)
  try {
    for (let attempt = 0; ; attempt++) {
      if (take(mine, path)) return { release: () => release(path, text) }
      const found = readText(path)
      if (found === undefined) continue
      const holder = parseHolder(found)
      if (attempt >= ATTEMPTS || (holder !== undefined && isAlive(holder))) {
        return { holder: holder ?? { pid: 0, started: '', boot: '', host: '' } }
      }
      removeStale(path, found)
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

function describeSelf(): LockHolder {
  return {
    pid: process.pid,
    started: startOf(process.pid),
    boot: bootId(),
    host: hostname(),
  }
}

function take(from: string, path: string): boolean {
  try {
    linkSync(from, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function release(path: string, text: string): void {
  if (readText(path) === text) rmSync(path, { force: true })
}

/**
 * Two starters may both find a leftover: only what was judged may be removed, so it is moved aside
 * first.
 */
function removeStale(path: string, judged: string): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (readText(aside) !== judged) take(aside, path)
  rmSync(aside, { force: true })
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<LockHolder>
    const { pid, started = '', boot = '', host = '' } = holder
    return typeof pid === 'number' ? { pid, started, boot, host } : undefined
  } catch {
    return undefined
  }
}

function isAlive(holder: LockHolder): boolean {
  if (holder.boot !== '' && holder.boot !== bootId()) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.started === '' || holder.started === startOf(holder.pid)
}

/** Identifies the current boot of this machine, or '' where the system does not tell. */
export function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

function startOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  // The second field is the program's name in parentheses and may hold anything.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
