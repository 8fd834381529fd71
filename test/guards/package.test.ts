// The package as its users get it: built of what the image is built of, packed, unpacked elsewhere,
// and run from there without the sources.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runProgram, runTool } from './tool.ts'

const MINUTES = 60_000
let sources: PlantedTree | undefined
let tree: PlantedTree | undefined
let unpacked: string

function place(): string {
  if (tree === undefined) throw new Error('nothing was built')
  return tree.dir
}

function linesOf(path: string): string[] {
  return readFileSync(`${ROOT}${path}`, 'utf8').split('\n')
}

/** What the image's first stage copies of the checkout: the build has no other file. */
function imageSources(): string[] {
  const stage = linesOf('Dockerfile').join('\n').split('\nFROM ')[1] ?? ''
  const copied = [...stage.matchAll(/^COPY (?!--)(.+) \S+$/gm)]
  return copied.flatMap(([, paths = '']) => paths.split(' '))
}

beforeAll(async () => {
  sources = plantTree({}, { copies: imageSources() })
  const copies = ['package.json', 'bin', 'schemas', 'LICENSE', 'README.md']
  tree = plantTree({}, { copies, modules: false })
  const out = join(tree.dir, 'dist')
  const script = join(sources.dir, 'scripts/build.mjs')
  const built = await runProgram(process.execPath, [script, '--out', out])
  if (built.code !== 0) throw new Error(`${built.stdout}${built.stderr}`)
  const packed = await runProgram('npm', ['pack', '--ignore-scripts', '--loglevel=error'], {
    cwd: tree.dir,
  })
  if (packed.code !== 0) throw new Error(packed.stderr)
  unpacked = join(tree.dir, 'unpacked')
  mkdirSync(unpacked)
  await runProgram('tar', ['-xzf', packed.stdout.trim(), '-C', unpacked], { cwd: tree.dir })
  unpacked = join(unpacked, 'package')
  symlinkSync(`${ROOT}node_modules`, join(unpacked, 'node_modules'))
}, 5 * MINUTES)
afterAll(() => {
  sources?.remove()
  tree?.remove()
})

test('what the image is built of gets to its build', () => {
  const sent = linesOf('.dockerignore').filter((line) => line.startsWith('!'))
  expect(imageSources().length).toBeGreaterThan(5)
  expect(imageSources().filter((path) => !sent.includes(`!${path}`))).toEqual([])
})

test('the command runs from what was built', async () => {
  expect(existsSync(join(unpacked, 'src'))).toBe(false)
  const run = await runProgram(process.execPath, [join(unpacked, 'bin/hb.js'), '--help'])
  expect(run.stderr).toBe('')
  expect(run.stdout).toContain('hb')
  expect(run.stdout).toContain('demo')
  expect(run.code).toBe(0)
})

test('the doors of the package open, and their types are there', async () => {
  const { exports } = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as {
    exports: Record<string, { types: string; default: string }>
  }
  for (const [door, { default: code, types }] of Object.entries(exports)) {
    expect([door, existsSync(join(unpacked, types))]).toEqual([door, true])
    const load = `await import(${JSON.stringify(join(unpacked, code))})`
    const run = await runProgram(process.execPath, ['--input-type=module', '--eval', load])
    expect(run.stderr).toBe('')
  }
})

test('contracts that come with the package find what they import', () => {
  const contracts = join(unpacked, 'dist/contracts')
  const files = readdirSync(contracts, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(contracts, file))
  const imports = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, target = '']) =>
      join(dirname(file), target),
    ),
  )
  expect(imports.length).toBeGreaterThan(4)
  expect(imports.filter((target) => !existsSync(target))).toEqual([])
})

test('a user’s program type-checks against the package', async () => {
  const user = join(place(), 'user')
  cpSync(unpacked, join(user, 'node_modules/hollowbeam'), { recursive: true })
  const compilerOptions = { module: 'nodenext', strict: true, noEmit: true, types: [] }
  writeFileSync(join(user, 'package.json'), '{"type":"module"}')
  writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['a.ts'] }))
  const program = "import { reply } from 'hollowbeam/lib'\nexport const a: number = reply\n"
  writeFileSync(join(user, 'a.ts'), program)
  const tsc = 'node_modules/typescript/bin/tsc'
  const run = await runTool(tsc, ['-p', 'tsconfig.json', '--pretty', 'false'], user)
  // One mistake on purpose: seeing it, and only it, shows that the types were really there.
  expect(run.stdout.trim().split('\n')).toHaveLength(1)
  expect(run.stdout).toContain('a.ts(2,14): error TS2322')
})
