// Which files the guards look at: everything written by hand, nothing that was built or installed.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { ROOT } from './tool.ts'

export type SourceFile = { readonly path: string; readonly text: string }

const FOLDERS = [
  'src',
  'contracts',
  'connectors',
  'test',
  'bench',
  'scripts',
  'bin',
  'docs',
  'ops',
  'schemas',
  'examples',
  '.ci',
]
// The contracts of the comparison with Warp have the shapes in which others published theirs.
const SKIPPED = new RegExp(
  '^(bench/results|test/golden|test/differential/contracts|connectors/[^/]+/target)/|' +
    '/node_modules/',
)
const TEXT = /\.(ts|js|mjs|cjs|json|md|avsc|yml|yaml|sh|java|xml)$|^\.ci\/|^[^/]+$/
const BINARY = /\.(png|ico|tgz|bin)$/

/** Paths are relative to the checkout, with forward slashes, sorted. */
export function sourceFiles(root = ROOT): SourceFile[] {
  const paths: string[] = []
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    // In a second worktree .git is a file, which names a folder of the machine.
    if (entry.isFile() && entry.name !== '.git') paths.push(entry.name)
    else if (FOLDERS.includes(entry.name)) paths.push(...filesBelow(root, entry.name))
  }
  return paths
    .filter((path) => TEXT.test(path) && !BINARY.test(path) && !SKIPPED.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}
