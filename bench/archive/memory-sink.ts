// The sink of memory.ts, an OS process of its own. Arguments: the made log's directory, and how
// many entries it has.

import { keepYoungGeneration } from '../../src/cli/young-generation.ts'
import { generateWallet } from '../../src/client/index.ts'
import { benchNetwork } from '../bench-node.ts'
import { archiveAll } from './archiving.ts'
import { openMadeLog } from './made-log.ts'
import type { MemoryReport } from './memory.ts'

const LOOK_MS = 5

// as `hb connect start` does
keepYoungGeneration()
const [directory = '', entries = ''] = process.argv.slice(2)
const log = await openMadeLog({ directory })
const signer = await generateWallet('rsa')
let [heap, buffers] = [0, 0]
const looking = setInterval(() => {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  heap = Math.max(heap, heapUsed)
  buffers = Math.max(buffers, arrayBuffers)
}, LOOK_MS)
const made = { network: benchNetwork([]), directory, entries: Number(entries) }
const ms = await archiveAll({ made, log, signer, name: 'backlog' })
clearInterval(looking)
const report: MemoryReport = { heap, buffers, ms }
process.send?.(report)
await log.close()
process.disconnect()
