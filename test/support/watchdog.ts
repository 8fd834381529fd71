// Nothing that a test started may outlive it, not even if the tests are killed with -9. A shell
// reads from us; when the pipe ends, because we closed it or because we are gone, it kills what is
// left and removes the folder.
//
// Invariants:
//   W1  The shell is a process group of its own and ignores signals: what ends us does not end it.
//   W2  It is told of an OS process in the same turn in which that was started.
//   W3  Each line replaces the one before: the ids that are alive now, so an id that the system
//       gave to somebody else is never killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

const SCRIPT = `
trap '' HUP INT TERM
pids=
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf "$1" 2>/dev/null || { sleep 1; rm -rf "$1"; }
`

export type Watchdog = {
  add(pid: number): void
  remove(pid: number): void
  /** Kills what is left, removes the folder, and is done when that is done. */
  close(): Promise<void>
}

/** `dir`: the folder that goes with the OS processes. */
export function startWatchdog(dir: string): Watchdog {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', dir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const closed = once(shell, 'close')
  const alive = new Set<number>()
  const tell = (): void => {
    if (shell.stdin.writable) shell.stdin.write(`${[...alive].join(' ')}\n`)
  }
  return {
    add: (pid) => {
      alive.add(pid)
      tell()
    },
    remove: (pid) => {
      if (alive.delete(pid)) tell()
    },
    close: async () => {
      if (shell.stdin.writable) shell.stdin.end()
      await closed
    },
  }
}
