// Writes the language-neutral test vectors, test/vectors/*.json:
//
//   npm run vectors
//
// What stands there is what other implementations are held to, and a released vector is for ever:
// cases and subjects are added (scripts/vectors/), none is changed. Where a case that is there
// comes out differently or is gone, nothing is written, and the exit code is 1: either the change
// is a mistake, or it is a numbered change of behaviour, and who makes it deletes the file first.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { VectorFile } from './vectors/index.ts'
import { changedCases, vectorFiles } from './vectors/index.ts'

const folder = new URL('../test/vectors/', import.meta.url)
const read = (text: string): VectorFile => JSON.parse(text) as VectorFile

const files = vectorFiles()
const changed = [...files].flatMap(([name, text]) => {
  const place = new URL(name, folder)
  if (!existsSync(place)) return []
  const cases = changedCases(read(readFileSync(place, 'utf8')), read(text))
  return cases.map((each) => `${name}: "${each}" is not what it was`)
})
if (changed.length > 0) {
  console.error(`${changed.join('\n')}\nVectors must not change: nothing was written.`)
  process.exitCode = 1
} else {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of files) {
    writeFileSync(new URL(name, folder), text)
    console.log(`test/vectors/${name}: ${read(text).cases.length} cases`)
  }
}
