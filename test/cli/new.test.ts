// hb new: what it makes can be used as it is. That the folder's own commands run, with the package
// installed as users install it, is shown by `npm run test:examples`.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { linkPackage, plantTree } from '../guards/planted-tree.ts'
import type { PlantedTree } from '../guards/planted-tree.ts'
import { ROOT, runProgram, runTool, withoutRunner } from '../guards/tool.ts'
import { hb } from './terminal-double.ts'

let tree: PlantedTree
beforeAll(() => {
  tree = plantTree({}, { modules: false })
  linkPackage(tree, ['@types'])
})
afterAll(() => tree.remove())

const make = (...args: string[]) => hb(['new', 'contract', ...args])

test('a new contract type-checks, and its test passes', async () => {
  const dir = join(tree.dir, 'tally')
  const { code, out } = await make('tally', '--dir', dir)
  expect([code, out.at(-1)]).toEqual([0, `next: cd ${dir} && npm install && npm test`])
  expect(readdirSync(dir).sort()).toEqual([
    '.gitignore',
    'README.md',
    'contract.test.ts',
    'contract.ts',
    'package.json',
    'tsconfig.json',
  ])
  const own = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }
  expect(JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))).toMatchObject({
    name: 'tally',
    devDependencies: { hollowbeam: `^${own.version}` },
  })
  const settings = {
    extends: `${ROOT}tsconfig.json`,
    include: ['*.ts', `${ROOT}src`],
    compilerOptions: { rewriteRelativeImportExtensions: false },
  }
  writeFileSync(join(dir, 'tsconfig.test.json'), JSON.stringify(settings))
  const tsc = 'node_modules/typescript/bin/tsc'
  const checked = await runTool(tsc, ['-p', 'tsconfig.test.json', '--pretty', 'false'], dir)
  expect(checked.stdout).toBe('')
  const env = withoutRunner()
  const run = await runProgram(process.execPath, ['--test'], { cwd: dir, env })
  expect([run.code, /^[#ℹ] pass \d+$/m.test(run.stdout)]).toEqual([0, true])
}, 60_000)

test('nothing is written over, and a name must be one', async () => {
  const dir = join(tree.dir, 'full')
  mkdirSync(dir)
  writeFileSync(join(dir, 'mine'), '')
  const full = await make('full', '--dir', dir)
  expect([full.code, full.err.join('\n')]).toEqual([2, expect.stringMatching(/folder-not-empty/)])
  expect(readdirSync(dir)).toEqual(['mine'])
  for (const name of ['Tally', '1st', '../up', '']) {
    const refused = await make(name, '--dir', join(tree.dir, 'no'))
    expect([name, refused.code]).toEqual([name, 2])
  }
})
