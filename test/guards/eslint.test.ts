// The lint rules as a test, and proof by planted violations that the bans of the house are on, each
// in its room.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runTool } from './tool.ts'

const ESLINT = 'node_modules/eslint/bin/eslint.js'
const MINUTES = 60_000
/** So that a configuration which ignores everything cannot pass. */
const FILES_MIN = 80

type LintFile = {
  filePath: string
  messages: { ruleId: string | null; line: number; message: string }[]
}

async function lint(dir: string): Promise<LintFile[]> {
  const run = await runTool(ESLINT, ['.', '--format', 'json'], dir)
  if (run.code > 1) throw new Error(run.stderr)
  return JSON.parse(run.stdout) as LintFile[]
}

test(
  'the whole checkout follows the lint rules',
  async () => {
    const files = await lint(ROOT)
    const findings = files.flatMap(({ filePath, messages }) =>
      messages.map(
        ({ line, message, ruleId }) =>
          `${filePath.slice(ROOT.length)}:${line} ${message} (${ruleId})`,
      ),
    )
    expect(findings.join('\n')).toBe('')
    expect(files.length).toBeGreaterThan(FILES_MIN)
  },
  4 * MINUTES,
)

/** path → source and the rule that must be broken there, or null where it must be clean. */
const PLANTED: Readonly<Record<string, { source: string; rule: string | null }>> = {
  'src/dre/clock.ts': {
    source: 'export const a = (): number => Date.now()',
    rule: 'no-restricted-globals',
  },
  'src/dre/timer.ts': {
    source: 'export const a = (): void => { setTimeout(a, 1) }',
    rule: 'no-restricted-globals',
  },
  'src/dre/timers.ts': {
    source: "import { setTimeout } from 'node:timers/promises'\nexport const a = setTimeout",
    rule: 'no-restricted-imports',
  },
  'src/dre/random.ts': {
    source: 'export const a = (): number => Math.random()',
    rule: 'no-restricted-properties',
  },
  'src/dre/random-bytes.ts': {
    source:
      "import { randomBytes } from 'node:crypto'\nexport const a = (): Buffer => randomBytes(1)",
    rule: 'no-restricted-imports',
  },
  'src/dre/environment.ts': {
    source: "export const a = (): string | undefined => process.env['A']",
    rule: 'no-restricted-properties',
  },
  'src/dre/let.ts': {
    source: 'let count = 0\nexport const a = (): number => ++count',
    rule: 'no-restricted-syntax',
  },
  'src/dre/map.ts': {
    source: 'export const seen = new Map<string, string>()',
    rule: 'no-restricted-syntax',
  },
  'src/dre/list.ts': { source: 'export const seen: string[] = []', rule: 'no-restricted-syntax' },
  'src/dre/empty.ts': { source: 'export const NONE: readonly string[] = []', rule: null },
  'src/dre/floating.ts': {
    source: 'const a = async (): Promise<void> => {}\nexport function b(): void { a() }',
    rule: '@typescript-eslint/no-floating-promises',
  },
  'src/dre/misused.ts': {
    source:
      'export const a = (b: Promise<string>[]): void => { b.forEach(async (c) => { await c }) }',
    rule: '@typescript-eslint/no-misused-promises',
  },
  'src/dre/await.ts': {
    source: 'export const a = async (): Promise<number> => await 1',
    rule: '@typescript-eslint/await-thenable',
  },
  'src/dre/switch.ts': {
    source: "export function a(b: 'x' | 'y'): void { switch (b) { case 'x': return } }",
    rule: '@typescript-eslint/switch-exhaustiveness-check',
  },
  'src/dre/unsafe.ts': {
    source: 'export const a = (b: string): string => JSON.parse(b)',
    rule: '@typescript-eslint/no-unsafe-return',
  },
  'src/dre/console.ts': {
    source: "export const a = (): void => { console.log('a') }",
    rule: 'no-console',
  },
  'contracts/a/contract.ts': {
    source: 'export const handle = (): void => { Buffer.alloc(1) }',
    rule: 'no-restricted-globals',
  },
  'src/std/clock.ts': { source: 'export const a = (): number => Date.now()', rule: null },
  'src/cli/main.ts': {
    source: "export const a = (): void => { console.log(process.env['A'], Date.now()) }",
    rule: null,
  },
  'test/a.test.ts': { source: 'export const a = (): number => Date.now()', rule: null },
}

describe('planted:', () => {
  let tree: PlantedTree
  let files: LintFile[]

  beforeAll(async () => {
    const sources = Object.entries(PLANTED).map(([path, { source }]) => [path, `${source}\n`])
    tree = plantTree(
      { ...Object.fromEntries(sources), 'package.json': '{"type":"module"}' },
      { copies: ['tsconfig.json', 'eslint.config.mjs'] },
    )
    files = await lint(tree.dir)
  }, 2 * MINUTES)
  afterAll(() => tree.remove())

  test.each(Object.entries(PLANTED))('%s', (path, { rule }) => {
    const file = files.find(({ filePath }) => filePath === `${tree.dir}/${path}`)
    const rules = file?.messages.map(({ ruleId }) => ruleId)
    if (rule === null) expect(rules).toEqual([])
    else expect(rules).toContain(rule)
  })
})
