// Every command of hb that a document shows is there, with every option that it shows.

import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import type { Command } from 'commander'
import { buildProgram } from '../../src/cli/run.ts'
import { ROOT } from './tool.ts'

const documents = [
  'README.md',
  ...readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

const LINE = /^(?:\$ )?(?:npm run (?:--silent )?hb -- |npx hb |hb )(.+)$/gm
const ASIDE = /\s+(?:#|\||>|&&).*$/

/** What is wrong with a command line, or undefined. */
function wrong(program: Command, line: string): string | undefined {
  const words = line.replace(ASIDE, '').split(/\s+/)
  let command = program
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word)
    if (next === undefined) break
    command = next
  }
  if (command === program) return words[0]?.startsWith('-') === true ? undefined : words[0]
  const known = new Set(command.options.flatMap(({ long }) => long ?? []).concat('--help'))
  return words
    .filter((word) => /^--[a-z]/.test(word))
    .map((word) => word.replace(/=.*/, ''))
    .find((name) => !known.has(name))
}

const silent = { out: () => undefined, err: () => undefined }
const program = buildProgram({ terminal: silent, openBrokers: undefined, exitCode: 0 } as never)

const shown = documents.flatMap((file) => {
  const text = readFileSync(`${ROOT}${file}`, 'utf8')
  const blocks = [...text.matchAll(/^```[^\n]*\n([^]*?)^```$/gm)].map(([, block = '']) => block)
  return [...blocks.join('\n').matchAll(LINE)].map(([, line = '']) => ({ file, line }))
})

test('every command and option that the documents show is there', () => {
  expect(shown.length).toBeGreaterThan(20)
  const faults = shown.flatMap(({ file, line }) => {
    const fault = wrong(program, line)
    return fault === undefined ? [] : [`${file}: ${fault} of "hb ${line}"`]
  })
  expect(faults).toEqual([])
})

test('one that is not there is found', () => {
  expect(wrong(program, 'replya --process x')).toBe('replya')
  expect(wrong(program, 'replay --proces x')).toBe('--proces')
  expect(wrong(program, 'dlq redrive --dry-run   # looks')).toBeUndefined()
  expect(wrong(program, 'keys generate --out=me.json')).toBeUndefined()
})
