// A verifier thread: takes jobs in order, claims items one by one, writes verdicts into the job's arena, and answers
// with the texts of what it refused. Owns its verifier (keys of known owners); remembers nothing else between jobs.

import { parentPort, workerData } from 'node:worker_threads'
import { createDataItemVerifier, type DataItemVerifier } from '../protocol/ans104/index.ts'
import { claimItem, HOLDS, REFUSED, viewArena, type Arena } from './arena.ts'
import type { Answer, JobMessage, Refusal, WorkerSettings } from './messages.ts'

const settings = workerData as WorkerSettings
const verifier = createDataItemVerifier({ ownersMax: settings.ownersMax })

parentPort?.on('message', (message: JobMessage) => {
  const arena = viewArena(message.buffer, message.items, settings.threads)
  const refused = judgeItems(arena, verifier)
  parentPort?.postMessage({ job: message.job, refused } satisfies Answer)
})

function judgeItems(arena: Arena, verifier: DataItemVerifier): Refusal[] {
  const refused: Refusal[] = []
  for (;;) {
    const index = claimItem(arena, settings.thread)
    if (index < 0) return refused
    const bytes = arena.bytes.subarray(arena.starts[index], arena.starts[index + 1])
    const verdict = verifier.bytes(bytes)
    if (verdict.ok) {
      arena.digests.write(verdict.id, 64 * index, 32, 'base64url')
      arena.digests.write(verdict.address, 64 * index + 32, 32, 'base64url')
      arena.states[index] = HOLDS
    } else {
      refused.push([index, verdict.code, verdict.text])
      arena.states[index] = REFUSED
    }
  }
}
