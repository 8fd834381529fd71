// Builds the package: src/ compiled to OUT/src (JavaScript, declarations, source maps), and beside
// it what the code reads at run time: schemas/, contracts/ (sources, bundled when they are spawned)
// and files of src/ that are data. `--out DIR` puts it elsewhere than in dist/.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const flag = process.argv.indexOf('--out')
const out = resolve(flag === -1 ? join(root, 'dist') : process.argv[flag + 1])
if (flag !== -1 && process.argv[flag + 1] === undefined) throw new Error('--out needs a folder')
if (existsSync(join(out, 'package.json')))
  throw new Error(`${out} is a project, not a folder to fill`)

const started = performance.now()
rmSync(out, { recursive: true, force: true })
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', out]
const compiled = spawnSync(process.execPath, args, { stdio: 'inherit' })
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

copyTree('schemas', () => true)
copyTree('contracts', (file) => !file.endsWith('.test.ts'), ownLibrary)
copyTree('src', (file) => !file.endsWith('.ts'))
console.log(`built ${out} in ${((performance.now() - started) / 1000).toFixed(1)} s`)

function copyTree(folder, wanted, change = (bytes) => bytes) {
  if (!existsSync(join(root, folder))) return
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (!entry.isFile() || !wanted(file)) continue
    const target = join(out, file.slice(root.length))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, change(readFileSync(file)))
  }
}

/** Contracts stay TypeScript, but the HB lib beside them is compiled. */
function ownLibrary(bytes) {
  return bytes.toString().replaceAll(/(from '[./]*\/src\/lib\/index)\.ts'/g, "$1.js'")
}
