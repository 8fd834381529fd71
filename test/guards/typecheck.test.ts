// The type check as a test, and proof that the settings which matter here are on.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runTool } from './tool.ts'

const TSC = 'node_modules/typescript/bin/tsc'
const MINUTES = 60_000
/** So that a configuration which includes nothing cannot pass. */
const SOURCES_MIN = 60

test(
  'the whole checkout type-checks',
  async () => {
    const run = await runTool(TSC, [
      '-p',
      'tsconfig.json',
      '--noEmit',
      '--listFiles',
      '--pretty',
      'false',
    ])
    const lines = run.stdout.split('\n').filter((line) => line !== '')
    const files = lines.filter((line) => line.startsWith('/') && !line.includes(': error '))
    const errors = lines.filter((line) => !files.includes(line))
    expect(errors.join('\n')).toBe('')
    expect(run.code).toBe(0)
    expect(files.filter((file) => file.startsWith(`${ROOT}src/`)).length).toBeGreaterThan(
      SOURCES_MIN,
    )
  },
  4 * MINUTES,
)

describe('a planted mistake is caught:', () => {
  const PLANTED: Readonly<Record<string, { source: string; error: string }>> = {
    'an unchecked element': {
      source: 'const a: number[] = []; export const b: number = a[0]',
      error: 'TS2322',
    },
    'undefined for an optional': {
      source: 'export const a: { b?: number } = { b: undefined }',
      error: 'TS2375',
    },
    'a possible null': {
      source: 'export const a = (b: string | null): number => b.length',
      error: 'TS18047',
    },
    'an enum (does not run without a build)': { source: 'export enum A { B }', error: 'TS1294' },
    'a type imported as a value': {
      source: "import { PathLike } from 'node:fs'; export type A = PathLike",
      error: 'TS1484',
    },
    'a fall-through': {
      source: 'export function a(b: number): void { switch (b) { case 1: b++; case 2: b-- } }',
      error: 'TS7029',
    },
  }
  const names = Object.keys(PLANTED)
  let tree: PlantedTree
  let output: string

  beforeAll(async () => {
    const files = Object.entries(PLANTED).map(([, { source }], index) => [
      `src/planted-${index}.ts`,
      source,
    ])
    tree = plantTree(
      { ...Object.fromEntries(files), 'package.json': '{"type":"module"}' },
      { copies: ['tsconfig.json'] },
    )
    output = (
      await runTool(TSC, ['-p', 'tsconfig.json', '--noEmit', '--pretty', 'false'], tree.dir)
    ).stdout
  }, 2 * MINUTES)
  afterAll(() => tree.remove())

  test.each(names)('%s', (name) => {
    const found = output
      .split('\n')
      .filter((line) => line.startsWith(`src/planted-${names.indexOf(name)}.ts`))
    expect(found.join('\n')).toContain(PLANTED[name]?.error)
  })
})
