// Child OS process of full-disk.test.ts: appends until the file may not grow any more, makes room with
// a trim, appends again, and says on stdout what happened. Arguments: the log's directory.

import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { isHbError } from '../../src/std/errors.ts'

const log = await openEmbeddedLog({ dir: process.argv[2] as string })
await log.provision([{ name: 't', partitions: 1, cleanup: 'log' }])
const append = (n: number): Promise<number> =>
  log.append('t', 0, [{ key: 'k', value: Buffer.alloc(50_000, n) }])

let acknowledged = 0
const codes: string[] = []
while (codes.length < 3 && acknowledged < 1_000) {
  try {
    await append(acknowledged)
    acknowledged++
  } catch (error) {
    codes.push(isHbError(error) ? error.code : String(error))
  }
}
const [full] = await log.ends('t')
await log.trim('t', 0, 8)
// LMDB uses pages again two transactions after they were freed.
await log.trim('t', 0, 10)
const after: number[] = []
for (let n = 0; n < 3; n++) after.push(await append(n))
await log.close()
console.log(JSON.stringify({ acknowledged, codes, end: full?.end, after }))
