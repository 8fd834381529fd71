// The one line of JAAS that `sasl.jaas.config` holds:
//
//   <login module's class> <required|requisite|sufficient|optional> (<name>=<value>)* ;
//
// A value is a word, or stands in " or ' with \ before what would end it (and \n, \t, \r, \f).
// Invariant: an error never shows a part of it.

import type { Given, SaslMechanism } from './client-properties.ts'

const KEY = 'sasl.jaas.config'
const MODULES: Readonly<Record<string, readonly SaslMechanism[]>> = {
  PlainLoginModule: ['plain'],
  ScramLoginModule: ['scram-sha-256', 'scram-sha-512'],
}
const FLAGS = ['required', 'requisite', 'sufficient', 'optional']
const TOKEN = /\s*(?:("|')((?:\\[^]|(?!\1)[^\\\n])*)\1|([^\s="';]+)|([=;]))/y

type Token = { readonly kind: 'text' | 'sign'; readonly text: string }

/** Throws `client-properties-invalid`. */
export function parseJaas(
  given: Given,
  mechanism: SaslMechanism,
  warnings: string[],
): { username: string; password: string } {
  const tokens = tokensOf(given)
  const [module, flag] = tokens
  const name = module?.kind === 'text' ? (/[^.]*$/.exec(module.text)?.[0] ?? '') : ''
  const mechanisms = MODULES[name]
  if (mechanisms === undefined) {
    given.fail(KEY, `must name one of ${Object.keys(MODULES).join(', ')}`)
  }
  if (!mechanisms.includes(mechanism)) given.fail(KEY, 'its module is not that of sasl.mechanism')
  if (flag === undefined || !FLAGS.includes(flag.text)) given.fail(KEY, 'lacks the word required')
  const options = optionsOf(given, tokens.slice(2))
  if (options.get('tokenauth') === 'true') given.fail(KEY, 'delegation tokens are not supported')
  const username = options.get('username')
  const password = options.get('password')
  if (username === undefined || username === '') return given.fail(KEY, 'lacks username')
  if (password === undefined || password === '') return given.fail(KEY, 'lacks password')
  if (options.size > 2) warnings.push(`${given.at(KEY)}: other options than username and password`)
  return { username, password }
}

function tokensOf(given: Given): Token[] {
  const text = given.text(KEY) ?? ''
  const tokens: Token[] = []
  const token = new RegExp(TOKEN)
  while (text.slice(token.lastIndex).trim() !== '') {
    const found = token.exec(text)
    if (found === null) return given.fail(KEY, 'a quotation mark is not closed, or misplaced')
    const [, , quoted, word, sign] = found
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
    else tokens.push({ kind: 'text', text: quoted === undefined ? (word ?? '') : unquoted(quoted) })
  }
  return tokens
}

const NAMED: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' }

function unquoted(text: string): string {
  return text.replace(/\\([^])/g, (_, char: string) => NAMED[char] ?? char)
}

function optionsOf(given: Given, tokens: readonly Token[]): Map<string, string> {
  const options = new Map<string, string>()
  let at = 0
  for (; at + 2 < tokens.length; at += 3) {
    const [name, sign, value] = tokens.slice(at, at + 3) as [Token, Token, Token]
    if (name.kind !== 'text') break
    if (sign.text !== '=' || sign.kind !== 'sign' || value.kind !== 'text') {
      return given.fail(KEY, 'an option is not of the form name=value')
    }
    options.set(name.text, value.text)
  }
  const end = tokens[at]
  if (end?.kind !== 'sign' || end.text !== ';') return given.fail(KEY, 'must end in a semicolon')
  if (at + 1 < tokens.length) return given.fail(KEY, 'must hold one login module only')
  return options
}
