// A SmartWeave contract's source as it was published, made into what the sandbox can run: the body
// of a function, with `export` taken away and a way to find `handle` put in.
//
// Owners: pure functions. Invariants: P1 the text is a function of the source alone, and part of
// the sandbox's version, since gas counts what it does. P2 what is taken away leaves its line feeds
// behind, so lines keep their numbers. P3 nothing inside texts, templates, comments and regular
// expressions is touched. P4 directives ("use strict") have no effect, as with the SmartWeave SDKs,
// which put declarations before the source.

import { HbError } from '../../std/errors.ts'
import { scanTop, type TopToken } from './scan.ts'

/** The parameter by which the wrapped source tells where its `handle` is. */
const FOUND = '__handleIs'
/** Up to the body of a program that is one function called at once, as bundlers write it. */
const IMMEDIATE = new RegExp(
  [
    /^(?:\s|;|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/|(["'])use strict\1)*/,
    /(?:(?:var|let|const)\s+[\w$]+\s*=\s*)?[!+(]\s*\(?/,
    /(?:function\s*[\w$]*\s*\(\s*\)\s*|\(\s*\)\s*=>\s*)\{/,
  ]
    .map(({ source }) => source)
    .join(''),
)
const DECLARATION = /^export(\s+default)?\s+(?=(?:async\s+)?function\s*\*?\s*[\w$]|class\s+[\w$])/
const VARIABLE = /^export\s+(?=(?:const|let|var)\b)/
const LIST = /^export\s*\{([^}]*)\}(\s*from\b)?/
const DEFAULT = /^export\s+default\b/

/**
 * The ways a source is put into a function; it must parse in all three (see quickjs/runtime.ts).
 * They leave it in sloppy mode. A comma fits between expressions and between properties, but no
 * statement begins with one; what fits after a statement fits neither of the others. Throws
 * 'module-invalid'.
 */
export function wrapPublished(source: string): [string, string, string] {
  const body = bodyOf(source)
  const params = `(module, exports, ${FOUND})`
  return [
    `(function ${params} { ${body}\n})`,
    `({ m${params} { ${body}\n} })`,
    `function m${params} { ${body}\n}`,
  ]
}

function bodyOf(source: string): string {
  const edits: Edit[] = []
  let local = 'handle'
  for (const token of scanTop(source)) {
    const edit = token.word === 'import' ? refuseImport(source, token) : editExport(source, token)
    if (edit === undefined) continue
    edits.push(edit)
    local = edit.handle ?? local
  }
  const found = `${FOUND}(() => ${local});`
  const immediate = IMMEDIATE.exec(source)
  if (immediate !== null && edits.length === 0) {
    return source.slice(0, immediate[0].length) + found + source.slice(immediate[0].length)
  }
  let body = found
  let at = 0
  for (const { from, to, text } of edits) {
    body += source.slice(at, from) + text + lineFeeds(source.slice(from, to))
    at = to
  }
  return body + source.slice(at)
}

type Edit = {
  readonly from: number
  readonly to: number
  readonly text: string
  /** The local name of what is exported as `handle`. */
  readonly handle?: string
}

function editExport(source: string, { at }: TopToken): Edit {
  // Enough for any of the forms; a list of names is looked for in the whole text.
  const rest = source.slice(at, at + 200)
  const declared = DECLARATION.exec(rest) ?? VARIABLE.exec(rest)
  if (declared !== null) {
    const to = at + declared[0].length
    const isDefault = declared[1] !== undefined
    const name = isDefault ? /(?:function\s*\*?|class)\s*([\w$]+)/.exec(rest)?.[1] : undefined
    return { from: at, to, text: '', ...(name === undefined ? {} : { handle: name }) }
  }
  const list = LIST.exec(source.slice(at))
  if (list !== null) {
    if (list[2] !== undefined) refuse('it exports from another module')
    return { from: at, to: at + list[0].length, text: ';', ...exported(list[1] as string) }
  }
  const whole = DEFAULT.exec(rest)
  if (whole === null) return refuse('it exports from another module')
  return { from: at, to: at + whole[0].length, text: ';module.exports =' }
}

/** What a list of exported names says of `handle`. */
function exported(list: string): { handle?: string } {
  for (const part of list.split(',')) {
    const [, local, name = local] = /^\s*([\w$]+)(?:\s+as\s+([\w$]+))?\s*$/.exec(part) ?? []
    if (local !== undefined && name === 'handle') return { handle: local }
  }
  return {}
}

function refuseImport(source: string, { at }: TopToken): Edit | undefined {
  if (/^import\s*[.(]/.test(source.slice(at, at + 40))) return undefined
  return refuse('it imports other modules')
}

function refuse(why: string): never {
  throw new HbError('module-invalid', `${why}: publish the contract as one bundled file`)
}

function lineFeeds(text: string): string {
  return text.replaceAll(/[^\n]+/g, '')
}
