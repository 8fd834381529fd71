// The syntax of Java's .properties files, as java.util.Properties reads it.
//
//   # comment, ! comment
//   key = value      also "key: value" and "key value"; leading white space is nothing
//   key = a long \   a backslash at the end of a line goes on with the next one, without what it
//         value      begins with in white space
//   \t \n \r \f \uXXXX, and a backslash before anything else is that character alone
//
// Invariant: an error names a line and never what stands in it: values may be secrets.

export type Property = {
  readonly key: string
  readonly value: string
  /** Where it begins, from 1. */
  readonly line: number
}

/** In the order of the text; a key may come again (the last one counts). `fail`: bad \u escapes. */
export function parseProperties(
  text: string,
  fail: (line: number, why: string) => never,
): Property[] {
  return logicalLines(text).map(({ text: logical, line }) => {
    const keyEnd = endOfKey(logical)
    const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(logical.slice(keyEnd))?.[0].length ?? 0
    const unescape = (part: string): string => unescaped(part, (why) => fail(line, why))
    const key = unescape(logical.slice(0, keyEnd))
    return { key, value: unescape(logical.slice(keyEnd + separator)), line }
  })
}

/** Without comments and blank lines, and with continuations joined. */
function logicalLines(text: string): { text: string; line: number }[] {
  const found: { text: string; line: number }[] = []
  let open: { text: string; line: number } | undefined
  for (const [index, natural] of text.split(/\r\n|\n|\r/).entries()) {
    const part = natural.replace(/^[ \t\f]+/, '')
    if (open === undefined && (part === '' || /^[#!]/.test(part))) continue
    const goesOn = (/\\*$/.exec(part)?.[0].length ?? 0) % 2 === 1
    open ??= { text: '', line: index + 1 }
    open.text += goesOn ? part.slice(0, -1) : part
    if (goesOn) continue
    found.push(open)
    open = undefined
  }
  if (open !== undefined) found.push(open)
  return found.filter(({ text: logical }) => logical !== '')
}

function endOfKey(logical: string): number {
  for (let at = 0; at < logical.length; at++) {
    const char = logical[at] as string
    if (char === '\\') at++
    else if ('=: \t\f'.includes(char)) return at
  }
  return logical.length
}

const NAMED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, fail: (why: string) => never): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u(.{0,4})|[^]|$)/gs, (_, what: string, hex: string | undefined) => {
    if (hex === undefined) return NAMED[what] ?? what
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) return fail('\\u is not followed by four hexadecimal digits')
    return String.fromCharCode(parseInt(hex, 16))
  })
}
