// How much memory the sink takes at most while it archives a long backlog: in an OS process of its
// own, with nothing else in it, looked at from outside. Needs /proc.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BenchReport } from '../rows.ts'
import { row } from '../rows.ts'
import type { MadeLog } from './made-log.ts'
import { ENTRY_BYTES } from './made-log.ts'

const CHILD = fileURLToPath(new URL('./memory-sink.ts', import.meta.url))
const LOOK_MS = 10
const MB = 1_048_576

/** What the child tells when all is archived: bytes that V8's heap and buffers took at most. */
export type MemoryReport = { readonly heap: number; readonly buffers: number; readonly ms: number }

/** Row `archive.sink.memory`. */
export async function benchMemory({ directory, entries }: MadeLog): Promise<BenchReport> {
  const child = fork(CHILD, [directory, String(entries)])
  const answer = once(child, 'message') as Promise<[MemoryReport]>
  let [anonymous, resident] = [0, 0]
  let isOver = false
  void answer.finally(() => (isOver = true))
  while (!isOver) {
    const now = memoryMb(child.pid as number)
    anonymous = Math.max(anonymous, now.anonymous)
    resident = Math.max(resident, now.resident)
    await sleep(LOOK_MS)
  }
  const [{ heap, buffers, ms }] = await answer
  if (child.exitCode === null) await once(child, 'exit')
  const backlogMb = (entries * ENTRY_BYTES) / MB
  const shown = (bytes: number): string => `${(bytes / MB).toFixed(0)} MB`
  return {
    rows: [row('archive.sink.memory', 'MB', anonymous, null)],
    doesNotMeasure:
      'pages of the mapped log and store, which the system takes back when it needs them ' +
      `(with them: ${resident.toFixed(0)} MB); a broker's client`,
    observed: [
      `a backlog of ${entries} entries, ${backlogMb.toFixed(0)} MB, in ${(ms / 1_000).toFixed(1)} s`,
      `at most ${shown(heap)} of heap in use, ${shown(buffers)} in buffers`,
    ],
  }
}

function memoryMb(pid: number): { anonymous: number; resident: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string): number => {
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0)
  }
  return { anonymous: kilobytes('RssAnon') / 1_024, resident: kilobytes('VmHWM') / 1_024 }
}
