// Writes the language-neutral test vectors, test/vectors/*.json:
//
//   npm run vectors
//
// What stands there is what other implementations are held to, and a released vector is for ever:
// where a file comes out differently, either the change is a mistake, or it is a numbered change of
// behaviour that keeps the old cases (docs/decisions). New cases and new subjects may be added.
// Cases are in scripts/vectors/.

import { mkdirSync, writeFileSync } from 'node:fs'
import { vectorFiles } from './vectors/index.ts'

const folder = new URL('../test/vectors/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of vectorFiles()) {
  writeFileSync(new URL(name, folder), text)
  console.log(`test/vectors/${name}: ${(JSON.parse(text) as { cases: unknown[] }).cases.length} cases`)
}
