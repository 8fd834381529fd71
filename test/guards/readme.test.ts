// What the README says can be done: its contract type-checks and does what is said, its commands
// are there.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runProgram, runTool } from './tool.ts'

const README = readFileSync(`${ROOT}README.md`, 'utf8')
const CONTRACT_LINES_MAX = 20

const CALLER = 'A'.repeat(43)
const CALLS = `
import { handle } from './guestbook.ts'
const state = {}
const action = { caller: '${CALLER}', from: 'wallet', input: null, tags: {} }
handle(state, { ...action, kind: 'spawn' })
const tags = { Action: 'Visit', Reference: '7' }
const { messages } = handle(state, { ...action, kind: 'message', tags })
console.log(JSON.stringify({ state, messages }))
`

function contractOfReadme(): string {
  const [, source] = /^\`\`\`ts guestbook\.ts\n([^]*?)^\`\`\`$/m.exec(README) ?? []
  if (source === undefined) throw new Error('the README has no contract')
  return source
}

let tree: PlantedTree
beforeAll(() => {
  const source = contractOfReadme()
  const files = {
    'guestbook.ts': source.replaceAll("'hollowbeam/lib'", `'${ROOT}src/lib/index.ts'`),
    'calls.mjs': CALLS,
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({
      extends: `${ROOT}tsconfig.json`,
      include: ['guestbook.ts'],
      compilerOptions: { rewriteRelativeImportExtensions: false },
    }),
  }
  tree = plantTree(files)
})
afterAll(() => tree.remove())

test('its contract is as short as it says', () => {
  const lines = contractOfReadme()
    .split('\n')
    .filter((line) => line !== '')
  expect(lines.length).toBeLessThanOrEqual(CONTRACT_LINES_MAX)
})

test('its contract type-checks', async () => {
  const tsc = 'node_modules/typescript/bin/tsc'
  const run = await runTool(tsc, ['-p', 'tsconfig.json', '--pretty', 'false'], tree.dir)
  expect(run.stdout).toBe('')
})

test('its contract does what it says', async () => {
  const run = await runProgram(process.execPath, ['calls.mjs'], { cwd: tree.dir })
  expect(run.stderr).toBe('')
  expect(JSON.parse(run.stdout)).toEqual({
    state: { visits: 1, lastVisitor: CALLER },
    messages: [
      {
        kind: 'notice',
        target: CALLER,
        tags: { Action: 'Visit-Reply', Visits: '1', Reference: '7' },
      },
    ],
  })
})

test('every npm script that the documents name is there', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    scripts: Record<string, string>
  }
  const documents = [README, readFileSync(`${ROOT}CONTRIBUTING.md`, 'utf8')].join('\n')
  const named = [...documents.matchAll(/npm run (?:--silent )?([a-z]+)/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => name === undefined || !(name in scripts))).toEqual([])
})

test('every command of hb that the README shows is there', async () => {
  const named = new Set([...README.matchAll(/npm run hb -- ([a-z]+)/g)].map(([, name]) => name))
  const run = await runTool('src/cli/main.ts', ['--help'])
  for (const name of named) expect(run.stdout).toMatch(new RegExp(`^\\s+${name}\\b`, 'm'))
  expect(named.size).toBeGreaterThan(4)
})
