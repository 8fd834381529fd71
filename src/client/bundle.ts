// From a contract's file to the one text that the sandbox runs and the network names by its hash.
//
// The text is the body of a strict function (module, exports) that sets `exports.handle`; the host
// evaluates that body afresh for every message, so it holds what `handle` uses and nothing else: no
// module wrappers, no unused exports.
// Invariant: for one version of the bundler the text is a function of what the files say, not of
// where they lie.

import { builtinModules } from 'node:module'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFunction } from 'node:vm'
import { build } from 'esbuild'
import type { BuildFailure, Message, Plugin } from 'esbuild'

import { sha256, toBase64Url } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'

/** `hash`: base64url of SHA-256 of the source's UTF-8 bytes, as ModuleSource.hash. */
export type Bundle = { readonly source: string; readonly hash: string }

const BUILTINS: ReadonlySet<string> = new Set(builtinModules)
const ENTRY = 'hollowbeam-contract'
/**
 * Stands for `exports` until the end: the bundler takes a file that names `exports` for a CommonJS
 * one, and wraps it.
 */
const DOOR = 'HOLLOWBEAM_EXPORTS'
/** A file that has none of these exports no `migrate`. */
const MAY_MIGRATE = /\bmigrate\b|\bexport\s*\*|\brequire\b/

/**
 * Bundles a contract in TypeScript or JavaScript that exports `handle`, and `migrate` where an
 * upgrade to it changes the state; `hollowbeam/lib` is the HB lib of this package. Throws
 * `bundle-file-missing`, `bundle-no-handle`, `bundle-import-refused` (Node's modules, URLs),
 * `bundle-failed`.
 */
export async function bundleContract(path: string): Promise<Bundle> {
  const file = resolve(path)
  if (!existsSync(file) || !statSync(file).isFile()) throw new HbError('bundle-file-missing', path)
  const source = await compileBoth(file)
  try {
    compileFunction(`'use strict';${source}`, ['module', 'exports'])
  } catch (error) {
    throw new HbError('bundle-failed', (error as Error).message, { cause: error })
  }
  return { source, hash: toBase64Url(sha256(Buffer.from(source))) }
}

/** A contract without `migrate` has the text that it would have if there were no such thing. */
async function compileBoth(file: string): Promise<string> {
  if (!MAY_MIGRATE.test(readFileSync(file, 'utf8'))) return compile(file, ['handle'])
  try {
    return await compile(file, ['migrate', 'handle'])
  } catch (error) {
    if (!isHbError(error, 'bundle-failed') || !error.detail.includes('for import "migrate"')) {
      throw error
    }
    return compile(file, ['handle'])
  }
}

async function compile(file: string, names: readonly string[]): Promise<string> {
  const directory = dirname(file)
  try {
    const { outputFiles } = await build({
      stdin: {
        contents: [
          `import { ${names.join()} } from '${ENTRY}'`,
          ...names.map((name) => `${DOOR}.${name} = ${name}`),
        ].join(';'),
        resolveDir: directory,
        sourcefile: 'contract',
        loader: 'js',
      },
      absWorkingDir: directory,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      target: 'es2023',
      charset: 'utf8',
      treeShaking: true,
      // Comments would name the files' paths; names are kept, for the errors of contracts.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      supported: { 'top-level-await': false, 'dynamic-import': false },
      tsconfigRaw: { compilerOptions: { target: 'es2023', useDefineForClassFields: true } },
      logLevel: 'silent',
      plugins: [resolver(file)],
    })
    const made = outputFiles[0]?.text.trimEnd() ?? ''
    const text = names.reduce((before, name) => {
      const at = before.lastIndexOf(`${DOOR}.${name}=`)
      return `${before.slice(0, at)}exports${before.slice(at + DOOR.length)}`
    }, made)
    return `${text}\n`
  } catch (error) {
    throw asHbError(error, file)
  }
}

/** Where this package's HB lib lies: beside this file, in TypeScript or built. */
function libFile(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`../lib/index.${extension}`, import.meta.url))
}

function resolver(file: string): Plugin {
  return {
    name: 'hollowbeam',
    setup(setup) {
      setup.onResolve({ filter: /^hollowbeam-contract$/ }, ({ importer }) => ({
        ...(importer.endsWith('contract') ? { path: file } : {}),
      }))
      setup.onResolve({ filter: /^hollowbeam\/lib$/ }, () => ({ path: libFile() }))
      setup.onResolve({ filter: /^[a-z]/i }, ({ path }) => {
        if (!path.includes(':') && !BUILTINS.has(path)) return undefined
        return { errors: [{ text: `contracts cannot import ${path}`, detail: 'refused' }] }
      })
    },
  }
}

function asHbError(error: unknown, file: string): HbError {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  if (first === undefined) {
    return new HbError('bundle-failed', (error as Error).message, { cause: error })
  }
  if (first.detail === 'refused') {
    return new HbError('bundle-import-refused', shown(first), { cause: error })
  }
  if (first.text.includes('for import "handle"')) {
    return new HbError('bundle-no-handle', basename(file), { cause: error })
  }
  return new HbError('bundle-failed', shown(first), { cause: error })
}

function shown({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}: ${text}`
}
