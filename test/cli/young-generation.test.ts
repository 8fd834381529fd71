// In OS processes of their own: what is set is set for good.

import { expect, test } from '@jest/globals'
import { ROOT, runProgram } from '../guards/tool.ts'

/** Much survives for a while, as while segments are gathered; gives the bytes at the end. */
const CHURN = `
  const { getHeapSpaceStatistics } = await import('node:v8')
  let kept = []
  for (let n = 0; n < 3_000_000; n++) {
    kept.push({ n })
    if (kept.length === 20_000) kept = []
  }
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  console.log(young.space_size)
`
const KEEP = `(await import('${ROOT}src/cli/young-generation.ts')).keepYoungGeneration()`

async function youngBytes(first: string): Promise<number> {
  const args = ['--input-type=module', '--eval', `${first}\n${CHURN}`]
  const { code, stdout, stderr } = await runProgram(process.execPath, args)
  expect([code, stderr]).toEqual([0, ''])
  return Number(stdout)
}

test('the young generation stays as small as it is', async () => {
  const small = await youngBytes(KEEP)
  const grown = await youngBytes('')
  expect(small).toBeLessThan(8 * 1_048_576)
  expect(grown).toBeGreaterThan(2 * small)
})
