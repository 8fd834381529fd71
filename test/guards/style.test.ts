// The style of the house as a test (style-rules.ts), and a test of that test: each rule must find
// its planted file.

import { describe, expect, test } from '@jest/globals'
import { errorsDoc } from '../../scripts/errors-doc.mjs'
import { ERROR_TABLE } from '../../src/std/error-table.ts'
import { sourceFiles } from './source-files.ts'
import type { SourceFile } from './source-files.ts'
import { runTool } from './tool.ts'
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, LINE_COLUMNS_MAX, STYLE_RULES } from './style-rules.ts'

/** So that a walk which finds nothing cannot pass. */
const FILES_MIN = 80
const README_LINES_MAX = 200

const files = sourceFiles()

function textOf(path: string): string {
  const file = files.find((candidate) => candidate.path === path)
  if (file === undefined) throw new Error(`${path} is not there`)
  return file.text
}

describe('the checkout', () => {
  test('is seen', () => {
    expect(files.length).toBeGreaterThan(FILES_MIN)
    for (const folder of ['src/', 'test/', 'scripts/', 'docs/', '.ci/']) {
      expect(files.some(({ path }) => path.startsWith(folder))).toBe(true)
    }
  })

  test.each(Object.keys(STYLE_RULES))('keeps the rule: %s', (name) => {
    expect(STYLE_RULES[name]?.(files).join('\n')).toBe('')
  })

  test('docs/ERRORS.md is the table of errors (npm run generate writes it)', () => {
    expect(textOf('docs/ERRORS.md')).toBe(errorsDoc(ERROR_TABLE))
  })

  test('the codec has the schemas of schemas/ (npm run generate writes them)', async () => {
    expect((await runTool('scripts/schemas.mjs', ['--check'])).code).toBe(0)
  })

  test('every decision is in the index, and the index names no other', () => {
    const index = textOf('docs/decisions/README.md')
    const listed = [...index.matchAll(/\]\((\d{4}-[a-z0-9-]+\.md)\)/g)].map(([, name]) => name)
    const written = files
      .filter(({ path }) => /^docs\/decisions\/(?!README)/.test(path))
      .map(({ path }) => path.slice('docs/decisions/'.length))
    expect(listed).toEqual(written)
    expect(new Set(written.map((name) => name.slice(0, 4))).size).toBe(written.length)
  })

  test('the README stays short', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThan(README_LINES_MAX)
  })
})

const OPENING = '// Why this file is here.\n'
const lines = (count: number): string => 'a()\n'.repeat(count)

/** rule → files that break it, and a word of the finding. */
const PLANTED: Readonly<Record<string, readonly (SourceFile & { finding: string })[]>> = {
  'file length': [{ path: 'src/std/a.ts', text: lines(FILE_LINES_MAX + 1), finding: '501 lines' }],
  'line length': [
    { path: 'src/std/a.ts', text: `// ${'a'.repeat(LINE_COLUMNS_MAX)}`, finding: ':1 is longer' },
  ],
  'function length': [
    {
      path: 'src/std/a.ts',
      text: `function far() {\n${lines(FUNCTION_LINES_MAX)}}`,
      finding: 'far has 72',
    },
    {
      path: 'src/std/a.js',
      text: `const a = () => {\n${lines(FUNCTION_LINES_MAX)}}`,
      finding: 'has 72',
    },
    {
      path: 'test/std/a.test.ts',
      text: `function far() {\n${lines(FUNCTION_LINES_MAX)}}`,
      finding: 'far has 72',
    },
  ],
  'file names': [
    { path: 'src/std/utils.ts', text: OPENING, finding: '"utils"' },
    { path: 'src/log/log-impl.ts', text: OPENING, finding: '"log-impl"' },
    { path: 'src/common/a.ts', text: OPENING, finding: '"common"' },
    { path: 'src/std/fooBar.ts', text: OPENING, finding: 'kebab-case' },
  ],
  'type names': [
    { path: 'src/log/a.ts', text: `${OPENING}interface ILog {}`, finding: ':2 ILog' },
    { path: 'src/log/a.ts', text: `${OPENING}class LogImpl {}`, finding: ':2 LogImpl' },
  ],
  opening: [{ path: 'src/log/a.ts', text: "import 'node:fs'\n", finding: 'does not open' }],
  words: [
    { path: 'src/log/a.ts', text: '// TODO later', finding: '"TODO"' },
    { path: 'docs/A.md', text: 'the block height', finding: 'height' },
    { path: 'docs/A.md', text: 'see /root/notes/', finding: 'from the checkout' },
    // in two parts, since this file is checked by others as well
    {
      path: 'package-lock.json',
      text: `"https://registry.${'npm' + 'js'}.org/a"`,
      finding: 'registry',
    },
  ],
  'no way out of a test': [
    { path: 'test/a.test.ts', text: "test.only('a', () => {})", finding: 'leaves a test out' },
    { path: 'test/a.test.ts', text: "xit('a', () => {})", finding: 'leaves a test out' },
    { path: 'test/a.test.ts', text: "test.todo('a')", finding: 'leaves a test out' },
  ],
  'dead files': [
    {
      path: 'src/log/old.ts',
      text: `${OPENING}export const a = 1`,
      finding: 'src/log/old.ts:1 is used by nothing',
    },
  ],
  'links in documents': [{ path: 'docs/A.md', text: '[b](B.md)', finding: 'links to B.md' }],
}

describe('each rule finds what was planted for it:', () => {
  test.each(Object.keys(STYLE_RULES))('%s', (name) => {
    const planted = PLANTED[name] ?? []
    expect(planted.length).toBeGreaterThan(0)
    for (const { finding, ...file } of planted)
      expect(STYLE_RULES[name]?.([file]).join('\n')).toContain(finding)
  })

  test('and lets good files be', () => {
    const good: SourceFile[] = [
      {
        path: 'src/cli/main.ts',
        text: `${OPENING}import { a } from '../std/a.ts'\nnew URL('./some-worker.ts', a)\n`,
      },
      { path: 'src/std/a.ts', text: `${OPENING}export const a = 'b'\n` },
      { path: 'src/cli/some-worker.ts', text: `#!/usr/bin/env node\n${OPENING}` },
      {
        path: 'test/a.test.ts',
        text: `${OPENING}describe('a', () => {\n${'test()\n'.repeat(FUNCTION_LINES_MAX)}})`,
      },
      {
        path: 'docs/A.md',
        text: '[a](A.md#top) [b](../src/std/a.ts) [c](https://example.org) [d](../src)',
      },
    ]
    for (const rule of Object.values(STYLE_RULES)) expect(rule(good)).toEqual([])
  })
})
