// A verifier thread that dies of certain items, for pool.test.ts. The data's first letter says how:
//   K  the thread ends with the item in hand, always
//   T  it throws with the item in hand, always
//   O  it ends with the item in hand, once: a file named by the rest of the data remembers

import { existsSync, writeFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import {
  createDataItemVerifier,
  parseDataItem,
  type DataItemVerifier,
} from '../../src/protocol/ans104/index.ts'
import { viewArena } from '../../src/verifier/arena.ts'
import { judgeItems } from '../../src/verifier/judge.ts'
import type { JobMessage, WorkerSettings } from '../../src/verifier/messages.ts'

const { thread, threads, ownersMax } = workerData as WorkerSettings
const real = createDataItemVerifier({ ownersMax })
const dying: DataItemVerifier = {
  item: real.item,
  bytes: (bytes) => {
    const text = parseDataItem(bytes).data.toString()
    if (text.startsWith('K')) process.exit(1)
    if (text.startsWith('T')) throw new Error('a thread dies of an exception')
    if (text.startsWith('O') && !existsSync(text.slice(1))) {
      writeFileSync(text.slice(1), '')
      process.exit(1)
    }
    return real.bytes(bytes)
  },
}

parentPort?.on('message', ({ job, items, buffer }: JobMessage) => {
  const refused = judgeItems(viewArena(buffer, items, threads), thread, dying)
  parentPort?.postMessage({ job, refused })
})
