// What the guides show can be done: their files type-check, their tests pass, their commands do
// what they say on a node, and what stands in none of these is named here.

import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { freePorts } from '../support/ports.ts'
import { blocksOf, guideOf } from './guide-blocks.ts'
import type { Guide } from './guide-blocks.ts'
import { SHELL } from './guide-shell.ts'
import { linkPackage, plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runProgram, runTool, withoutRunner } from './tool.ts'

const DIR = `${ROOT}docs/guides/`
const FRAMES = `${ROOT}test/guards/frames/`
/** Their blocks are of an example that runs on a broker. */
const OF_AN_EXAMPLE = ['reading-the-log']

const names = readdirSync(DIR).map((file) => file.replace(/\.md$/, ''))

function read(name: string): Guide {
  const frame = `${FRAMES}${name}.ts.txt`
  const text = readFileSync(name === 'README' ? `${ROOT}README.md` : `${DIR}${name}.md`, 'utf8')
  return guideOf(name, text, existsSync(frame) ? readFileSync(frame, 'utf8') : '')
}

const guides = ['README', ...names.filter((name) => !OF_AN_EXAMPLE.includes(name))].map(read)
const withShell = guides.filter(({ shell }) => shell.length > 0)

let tree: PlantedTree
beforeAll(() => {
  const files = guides.flatMap((guide) =>
    Object.entries(guide.files).map(([file, text]) => [`${guide.name}/${file}`, text]),
  )
  const paths = {
    'hollowbeam': [`${ROOT}src/index.ts`],
    'hollowbeam/lib': [`${ROOT}src/lib/index.ts`],
    'hollowbeam/testing': [`${ROOT}src/testing/index.ts`],
  }
  const settings = {
    extends: `${ROOT}tsconfig.json`,
    include: ['*/*.ts', `${ROOT}src`],
    compilerOptions: { rewriteRelativeImportExtensions: false, typeRoots, types, paths },
  }
  tree = plantTree(
    {
      ...(Object.fromEntries(files) as Record<string, string>),
      'package.json': '{"type":"module"}',
      'tsconfig.json': JSON.stringify(settings),
    },
    { modules: false },
  )
  linkPackage(tree, LINKED)
  for (const { name } of guides) mkdirSync(join(tree.dir, name), { recursive: true })
})
afterAll(() => tree.remove())

/** What the guides import besides this package. */
const LINKED = ['@testcontainers', 'testcontainers', '@types']
const typeRoots = [`${ROOT}node_modules/@types`]
const types = ['node']

test('what the guides show type-checks', async () => {
  const tsc = 'node_modules/typescript/bin/tsc'
  const run = await runTool(tsc, ['-p', 'tsconfig.json', '--pretty', 'false'], tree.dir)
  expect(run.stdout).toBe('')
}, 120_000)

test('the tests that they show pass', async () => {
  const tests = guides.flatMap(({ name, files }) =>
    Object.keys(files).flatMap((file) => (file.endsWith('.test.ts') ? [`${name}/${file}`] : [])),
  )
  const options = { cwd: tree.dir, env: withoutRunner() }
  // in one process: each would load the whole package anew
  const how = ['--test', '--test-isolation=none']
  const run = await runProgram(process.execPath, [...how, ...tests], options)
  expect(/^[#ℹ] fail 0$/m.test(run.stdout) ? '' : run.stdout).toBe('')
  const [, passed] = /^[#ℹ] pass (\d+)$/m.exec(run.stdout) ?? []
  expect(Number(passed)).toBeGreaterThanOrEqual(tests.length)
}, 120_000)

describe('the commands of a guide run in order', () => {
  test.each(withShell.map(({ name, shell }) => [name, shell] as const))(
    '%s',
    async (name, shell) => {
      const port = String((await freePorts(1))[0])
      const url = `http://127.0.0.1:${port}`
      const env = withoutRunner({
        NODE: process.execPath,
        HB: `${ROOT}src/cli/main.ts`,
        HB_PORT: port,
        HB_URL: url,
        NO_COLOR: '1',
      })
      const cwd = join(tree.dir, name)
      const run = await runProgram('bash', ['-c', SHELL + shell.join('\n')], { cwd, env })
      expect([run.code, run.code === 0 ? '' : run.stderr + run.stdout]).toEqual([0, ''])
    },
    120_000,
  )
})

test('a fragment without a frame, and a block of no known kind, are found', () => {
  expect(blocksOf('```ts a.ts\nA\n```\nand\n```sh\nB\n```\n')).toEqual([
    { language: 'ts', rest: 'a.ts', text: 'A\n' },
    { language: 'sh', rest: '', text: 'B\n' },
  ])
  expect(() => guideOf('one', '```ts\nA\n```\n', '')).toThrow('no frame runs this fragment')
  expect(() => guideOf('one', '', '//= 1\n')).toThrow('asks for fragment 1')
  expect(() => guideOf('one', '```rust\nA\n```\n', '')).toThrow('is run by nobody')
  expect(guideOf('one', '```ts\nA\n```\n', 'f(\n  //= 1\n)').files).toEqual({
    'one.frame.test.ts': 'f(\nA\n\n)',
  })
})

test('every option of startNetwork is in the guide, and every fault', () => {
  const guide = readFileSync(`${DIR}testing-contracts.md`, 'utf8')
  const source = readFileSync(`${ROOT}src/testing/start-network.ts`, 'utf8')
  const [, type = ''] = /export type TestNetworkOptions = \{([^]*?)^\}/m.exec(source) ?? []
  const options = [...type.matchAll(/^ {2}readonly (\w+)\?/gm)].map(([, name = '']) => name)
  expect(options.length).toBeGreaterThan(10)
  expect(options.filter((name) => !guide.includes(`\`${name}\``))).toEqual([])
  const faults = ['refused', 'lost', 'unacknowledged', 'doubled']
  expect(faults.filter((name) => !guide.includes(`| \`${name}\` |`))).toEqual([])
})
