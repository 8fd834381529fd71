// A verifier thread: takes jobs in order, and answers each with the texts of what it refused.
// Owns its verifier (the keys of known owners); remembers nothing else between jobs.

import { parentPort, workerData } from 'node:worker_threads'
import { createDataItemVerifier } from '../protocol/ans104/index.ts'
import { viewArena } from './arena.ts'
import { judgeItems } from './judge.ts'
import type { Answer, JobMessage, WorkerSettings } from './messages.ts'

const { thread, threads, ownersMax } = workerData as WorkerSettings
const verifier = createDataItemVerifier({ ownersMax })

parentPort?.on('message', ({ job, items, buffer }: JobMessage) => {
  const refused = judgeItems(viewArena(buffer, items, threads), thread, verifier)
  parentPort?.postMessage({ job, refused } satisfies Answer)
})
