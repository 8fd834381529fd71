// What every mutation makes type-checks: one that only throws a ReferenceError is caught, too, and
// proves nothing.

import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import ts from 'typescript'
import { MUTATIONS } from './mutations/list.ts'
import { mutated } from './mutations/mutation.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SUITE_MS_MAX = 300_000

/** The checkout's own files, but for one at a time that is replaced. */
class Sources {
  readonly #service: ts.LanguageService
  #replaced = { path: '', text: '', version: 0 }

  constructor(files: readonly string[]) {
    const { options } = ts.parseJsonConfigFileContent(
      ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile).config,
      ts.sys,
      ROOT,
    )
    const { fileExists, readFile, readDirectory, directoryExists, getDirectories } = ts.sys
    this.#service = ts.createLanguageService({
      ...{ fileExists, readFile, readDirectory, directoryExists, getDirectories },
      getCurrentDirectory: () => ROOT,
      getCompilationSettings: () => ({ ...options, noEmit: true }),
      getScriptFileNames: () => [...files],
      getScriptVersion: (path) => String(path === this.#replaced.path && this.#replaced.version),
      getScriptSnapshot: (path) => {
        const isIt = path === this.#replaced.path
        const text = isIt ? this.#replaced.text : readFile(path)
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
      },
      getDefaultLibFileName: ts.getDefaultLibFilePath,
    })
  }

  /** What is wrong with a file if its text is this. */
  flaws(path: string, text: string): string[] {
    this.#replaced = { path, text, version: this.#replaced.version + 1 }
    const found = [
      ...this.#service.getSyntacticDiagnostics(path),
      ...this.#service.getSemanticDiagnostics(path),
    ]
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
  }
}

const paths = [...new Set(MUTATIONS.map(({ file }) => `${ROOT}${file}`))]

test('every mutation type-checks', () => {
  const sources = new Sources(paths)
  const wrong = MUTATIONS.flatMap((mutation) => {
    const flaws = sources.flaws(`${ROOT}${mutation.file}`, mutated(mutation, ROOT))
    return flaws.map((flaw) => `${mutation.name}: ${flaw}`)
  })
  expect(wrong).toEqual([])
  // that it looks at all
  const [path = ''] = paths
  const text = `${ts.sys.readFile(path) ?? ''}\nnoSuchName()\n`
  expect(sources.flaws(path, text)).toEqual(["Cannot find name 'noSuchName'."])
}, SUITE_MS_MAX)
