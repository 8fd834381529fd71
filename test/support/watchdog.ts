// Nothing that a test started may outlive it, not even if the tests are killed with -9. A shell
// reads from us; when the pipe ends, because we closed it or because we are gone, it ends what is
// left (OS processes or containers, by id) and removes the folder.
//
// Invariants:
//   W1  The shell is a process group of its own and ignores signals: what ends us does not end it.
//   W2  It is told of an OS process in the same turn in which that was started.
//   W3  Each line replaces the one before: the ids that are alive now, so an id that the system
//       gave to somebody else is never ended.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

const SCRIPT = `
trap '' HUP INT TERM
ids=
while read -r line; do ids=$line; done
[ -z "$ids" ] || $2 $ids >/dev/null 2>&1
rm -rf "$1" 2>/dev/null || { sleep 1; rm -rf "$1"; }
`
const KILL = 'kill -9'

export type Watchdog = {
  add(id: number | string): void
  remove(id: number | string): void
  /** Ends what is left, removes the folder, and is done when that is done. */
  close(): Promise<void>
}

/** `dir`: the folder that goes with them; `ending`: the command that is given the ids. */
export function startWatchdog(dir: string, ending = KILL): Watchdog {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', dir, ending], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const closed = once(shell, 'close')
  const alive = new Set<number | string>()
  const tell = (): void => {
    if (shell.stdin.writable) shell.stdin.write(`${[...alive].join(' ')}\n`)
  }
  return {
    add: (id) => {
      alive.add(id)
      tell()
    },
    remove: (id) => {
      if (alive.delete(id)) tell()
    },
    close: async () => {
      if (shell.stdin.writable) shell.stdin.end()
      await closed
    },
  }
}
