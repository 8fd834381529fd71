// A disk that is full (here: a limit on the size of a file) refuses appends with a code, loses nothing
// that was acknowledged, and the log goes on when there is room again.

import { expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'

const WRITER = fileURLToPath(new URL('full-disk-writer.ts', import.meta.url))
/** In the shell's blocks of 512 or 1,024 bytes. */
const FILE_BLOCKS_MAX = 6_000

test('a full disk: unclear appends, nothing acknowledged lost, and on it goes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hb-full-'))
  const command = `ulimit -f ${FILE_BLOCKS_MAX}; exec "$0" "$1" "$2"`
  const run = promisify(execFile)('sh', ['-c', command, process.execPath, WRITER, dir])
  const { acknowledged, codes, end, after } = JSON.parse((await run).stdout) as {
    acknowledged: number
    codes: string[]
    end: number
    after: number[]
  }
  expect(acknowledged).toBeGreaterThan(20)
  expect(codes).toEqual(new Array(3).fill('log-append-unclear'))
  expect(end).toBe(acknowledged)
  expect(after).toEqual([end, end + 1, end + 2])
  const log = await openEmbeddedLog({ dir })
  expect(await log.ends('t')).toEqual([{ start: 10, end: end + 3 }])
  for (let offset = 10; offset < end + 3; offset++) {
    const { records } = await log.read('t', 0, offset, { to: offset + 1 })
    const byte = (offset < end ? offset : offset - end) % 256
    expect(records[0]?.value?.every((each) => each === byte)).toBe(true)
  }
  await log.close()
  await rm(dir, { recursive: true })
})
