// Finds the words `export` and `import` at the top of a script: outside of brackets, texts,
// templates, comments and regular expressions.
//
// Owners: a Scan belongs to one call. Invariants: C1 a text that ends inside of something ends the
// scan: the engine's own parser says what is wrong with it. C2 whether a slash divides or begins a
// regular expression is told by what stands before it, as readers of modules do without parsing;
// where that is mistaken, the script does not parse, and is refused.

export type TopToken = { readonly word: 'export' | 'import'; readonly at: number }

/** After these a slash begins a regular expression. */
const BEFORE_EXPRESSION = new Set(
  'return typeof case in of delete void throw new else do instanceof await yield'.split(' '),
)
/** The brackets of these end before a statement. */
const BEFORE_STATEMENT = new Set(['if', 'while', 'for', 'with'])
const WORD = /[\p{ID_Continue}$\u200c\u200d]+/uy
const NUMBER = /[\w.]+/y

export function scanTop(source: string): TopToken[] {
  return new Scan(source).tokens()
}

class Scan {
  readonly #source: string
  readonly #found: TopToken[] = []
  /** Of each open bracket: '`' for one in a template, else the word before it. */
  readonly #open: string[] = []
  #at = 0
  /** The last word, or one character of the last punctuation; '' at the beginning. */
  #last = ''
  /** Whether a slash would divide. */
  #divides = false

  constructor(source: string) {
    this.#source = source
  }

  tokens(): TopToken[] {
    const source = this.#source
    while (this.#at < source.length) {
      const char = source[this.#at] as string
      if (char === '/' && (source[this.#at + 1] === '/' || source[this.#at + 1] === '*')) {
        this.#comment()
      } else if (char === '"' || char === "'") this.#text(char)
      else if (char === '`') this.#template(this.#at + 1)
      else if (char === '/' && !this.#divides) this.#regularExpression()
      else if (/\s/.test(char)) this.#at += 1
      else this.#token(char)
    }
    return this.#found
  }

  #token(char: string): void {
    if (/[0-9]/.test(char)) {
      this.#value(this.#match(NUMBER) ?? char)
      return
    }
    const word = this.#match(WORD)
    if (word !== undefined) this.#word(word)
    else this.#punctuation(char)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)?.[0]
  }

  #word(word: string): void {
    const isTop = this.#open.length === 0 && this.#last !== '.'
    if (isTop && (word === 'export' || word === 'import')) {
      this.#found.push({ word, at: this.#at })
    }
    const isName = this.#last === '.'
    this.#value(word)
    if (!isName && BEFORE_EXPRESSION.has(word)) this.#divides = false
  }

  #value(text: string): void {
    this.#at += text.length
    this.#last = text
    this.#divides = true
  }

  #punctuation(char: string): void {
    const before = this.#last
    this.#at += 1
    this.#last = char
    this.#divides = char === ']'
    if (char === '(' || char === '[' || char === '{') this.#open.push(before)
    else if (char === ')' || char === ']' || char === '}') {
      const opened = this.#open.pop()
      if (char === '}' && opened === '`') this.#template(this.#at)
      else if (char === ')') this.#divides = !BEFORE_STATEMENT.has(opened ?? '')
    }
  }

  #comment(): void {
    const end = this.#source[this.#at + 1] === '/' ? '\n' : '*/'
    const at = this.#source.indexOf(end, this.#at + 2)
    this.#at = at === -1 ? this.#source.length : at + end.length
  }

  #text(quote: string): void {
    let at = this.#at + 1
    while (at < this.#source.length && this.#source[at] !== quote) {
      at += this.#source[at] === '\\' ? 2 : 1
    }
    this.#at = at + 1
    this.#last = quote
    this.#divides = true
  }

  /** From its beginning, or from the end of an expression in it, to the next or its end. */
  #template(from: number): void {
    let at = from
    for (; at < this.#source.length; at++) {
      const char = this.#source[at]
      if (char === '\\') at += 1
      else if (char === '`') break
      else if (char === '$' && this.#source[at + 1] === '{') {
        this.#open.push('`')
        this.#at = at + 2
        this.#last = '{'
        this.#divides = false
        return
      }
    }
    this.#at = at + 1
    this.#last = '`'
    this.#divides = true
  }

  #regularExpression(): void {
    let inClass = false
    let at = this.#at + 1
    for (; at < this.#source.length; at++) {
      const char = this.#source[at]
      if (char === '\n') break
      if (char === '\\') at += 1
      else if (char === '[') inClass = true
      else if (char === ']') inClass = false
      else if (char === '/' && !inClass) break
    }
    this.#at = at + 1
    this.#last = '/'
    this.#divides = true
  }
}
