#!/usr/bin/env node
// The command `hb`: the built program where there is one (a package), else the sources (a
// checkout).

import { existsSync } from 'node:fs'

const OLDEST = [22, 18]
const [major, minor] = process.versions.node.split('.').map(Number)

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(`hb needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}.`)
  console.error('In a checkout, "npm run hb -- <arguments>" brings its own.')
  process.exitCode = 1
} else {
  const built = new URL('../dist/src/cli/main.js', import.meta.url)
  const source = new URL('../src/cli/main.ts', import.meta.url)
  await import(existsSync(built) ? built.href : source.href)
}
