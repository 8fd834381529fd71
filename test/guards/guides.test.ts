// What the guides show can be done: the first test of a contract type-checks and passes.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runProgram, runTool } from './tool.ts'

const GUIDE = readFileSync(`${ROOT}docs/guides/testing-contracts.md`, 'utf8')

let tree: PlantedTree
beforeAll(() => {
  const [contract, program] = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => text)
  if (contract === undefined || program === undefined) throw new Error('the guide has no test')
  const testing = `'${ROOT}src/testing/index.ts'`
  const paths = { 'hollowbeam/lib': [`${ROOT}src/lib/index.ts`] }
  tree = plantTree({
    'guestbook.ts': contract,
    'guestbook.test.ts': program.replace("'hollowbeam/testing'", testing),
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({
      extends: `${ROOT}tsconfig.json`,
      include: ['*.ts', `${ROOT}src`],
      compilerOptions: { rewriteRelativeImportExtensions: false, paths },
    }),
  })
})
afterAll(() => tree.remove())

test('the first test type-checks', async () => {
  const tsc = 'node_modules/typescript/bin/tsc'
  const run = await runTool(tsc, ['-p', 'tsconfig.json', '--pretty', 'false'], tree.dir)
  expect(run.stdout).toBe('')
})

test('the first test passes', async () => {
  // jest's own settings are not for another runner
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
  const run = await runProgram(process.execPath, ['--test'], { cwd: tree.dir, env })
  expect(run.stdout).toMatch(/^[#ℹ] pass 1$/m)
  expect(run.code).toBe(0)
})

test('every option of startNetwork is in the guide, and every fault', () => {
  const source = readFileSync(`${ROOT}src/testing/start-network.ts`, 'utf8')
  const [, type = ''] = /export type TestNetworkOptions = \{([^]*?)^\}/m.exec(source) ?? []
  const options = [...type.matchAll(/^ {2}readonly (\w+)\?/gm)].map(([, name = '']) => name)
  expect(options.length).toBeGreaterThan(10)
  expect(options.filter((name) => !GUIDE.includes(`\`${name}\``))).toEqual([])
  const faults = ['refused', 'lost', 'unacknowledged', 'doubled']
  expect(faults.filter((name) => !GUIDE.includes(`| \`${name}\` |`))).toEqual([])
})
