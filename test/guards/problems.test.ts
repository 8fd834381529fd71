// docs/PROBLEMS.md answers each of the ten problems: by tests that are there, or with what is
// missing. That a file it links to exists is a rule of style for every document.

import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { ROOT } from './tool.ts'

const PROBLEMS = [
  'stake-weight',
  'liquidation',
  'risk',
  'spawning',
  'scalability',
  'P3',
  'self-hosting',
  'MINT',
  'format of messages',
  'infrastructure of tests',
]

/** What a section lacks, one line each. */
function lacking(text: string): string[] {
  const [, ...sections] = text.split(/^## /m)
  const missing = PROBLEMS.flatMap((problem, at) => {
    const title = sections[at]?.split('\n')[0] ?? ''
    const named = title.toLowerCase().includes(problem.toLowerCase())
    return named && title.startsWith(`${at + 1}. `) ? [] : [`${at + 1}: no section on ${problem}`]
  })
  for (const section of sections) {
    const number = section.split('.')[0]
    const [, verdict] = /\*\*(Answered|In part|Open)\.?\*\*/.exec(section) ?? []
    if (verdict === undefined) missing.push(`${number}: neither answered, in part, nor open`)
    if (!/\]\(\.\.\/test\/[\w/.-]+\.test\.ts\)/.test(section)) missing.push(`${number}: no test`)
    if (verdict !== 'Answered' && !section.includes('*Missing.*')) {
      missing.push(`${number}: ${verdict}, and nothing is missing`)
    }
  }
  return missing
}

test('each of the ten problems has an answer, a test that shows it, or what is missing', () => {
  expect(lacking(readFileSync(`${ROOT}docs/PROBLEMS.md`, 'utf8'))).toEqual([])
})

test('a problem that is left out, without a test or without what is missing is found', () => {
  const found = lacking('# T\n\n## 1. Stake-weight\n\n**In part.** [a](../test/a.test.ts)\n\n## 2. P3\n')
  expect(found).toContain('2: no section on liquidation')
  expect(found).toContain('1: In part, and nothing is missing')
  expect(found).toContain('2: no test')
  expect(found).toContain('2: neither answered, in part, nor open')
})
