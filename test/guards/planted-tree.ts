// A throw-away project with chosen files, for showing that a guard catches what it is there to
// catch.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from './tool.ts'

export type PlantedTree = { readonly dir: string; remove(): void }

export type TreeOptions = {
  /** Files of the checkout to copy in as they are (configurations). */
  readonly copies?: readonly string[]
  /** Link the checkout's node_modules in. Default true. */
  readonly modules?: boolean
}

/** `files`: path → text. */
export function plantTree(
  files: Readonly<Record<string, string>>,
  options: TreeOptions = {},
): PlantedTree {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'hollowbeam-planted-')))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  for (const path of options.copies ?? [])
    cpSync(`${ROOT}${path}`, join(dir, path), { recursive: true })
  if (options.modules !== false) symlinkSync(`${ROOT}node_modules`, join(dir, 'node_modules'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

const PACKAGE = {
  name: 'hollowbeam',
  type: 'module',
  exports: {
    '.': './src/index.ts',
    './lib': './src/lib/index.ts',
    './testing': './src/testing/index.ts',
  },
}

/**
 * This package and some of its own, in a tree without modules, as if they were installed there. The
 * sources are a link: Node runs TypeScript outside of node_modules alone.
 */
export function linkPackage({ dir }: PlantedTree, others: readonly string[]): void {
  const modules = join(dir, 'node_modules')
  const place = join(modules, PACKAGE.name)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'package.json'), JSON.stringify(PACKAGE))
  symlinkSync(`${ROOT}src`, join(place, 'src'))
  for (const name of others) symlinkSync(`${ROOT}node_modules/${name}`, join(modules, name))
}
