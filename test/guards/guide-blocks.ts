// The code blocks of the guides, put together as their readers would: a block that names a file is
// that file, shell blocks are one session of a shell, and a fragment runs inside a frame.
//
// What stands behind the language on a block's first line says what it is:
//   ts NAME.ts    the file, in the guide's own folder; a second block of that name goes behind it
//   ts            a fragment: the frame `frames/<guide>.ts.txt` has a line `//= N` for the Nth of them
//   sh            commands, run in order in the guide's folder
//   sh elsewhere  commands that another script of CI runs, or needs what a test has not (Docker)
// Output has no language. Java is tested where its example is.

export type Block = { readonly language: string; readonly rest: string; readonly text: string }

export type Guide = {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly shell: readonly string[]
}

const FRAME_LINE = /^[ \t]*\/\/= (\d+)$/gm
const ELSEWHERE = new Set(['java', 'xml'])

export function blocksOf(text: string): Block[] {
  const found = text.matchAll(/^```(\w+)(?: +([^\n]*))?\n([^]*?)^```$/gm)
  return [...found].map(([, language = '', rest = '', body = '']) => {
    return { language, rest: rest.trim(), text: body }
  })
}

/** `frame`: where the guide's fragments run; '' for none. Throws where a block has no place. */
export function guideOf(name: string, text: string, frame: string): Guide {
  const files: Record<string, string> = {}
  const shell: string[] = []
  const fragments: string[] = []
  for (const block of blocksOf(text)) {
    if (block.language === 'ts' || block.language === 'js') {
      if (block.rest === '') fragments.push(block.text)
      else files[block.rest] = (files[block.rest] ?? '') + block.text
    } else if (block.language === 'json' && block.rest !== '') files[block.rest] = block.text
    else if (block.language === 'sh') {
      if (block.rest !== 'elsewhere') shell.push(block.text)
    } else if (!ELSEWHERE.has(block.language)) {
      throw new Error(`${name}: a block of ${block.language} ${block.rest} is run by nobody`)
    }
  }
  const framed = filled(name, frame, fragments)
  if (framed !== '') files[`${name}.frame.test.ts`] = framed
  return { name, files, shell }
}

function filled(name: string, frame: string, fragments: readonly string[]): string {
  const used = new Set<number>()
  const text = frame.replace(FRAME_LINE, (_, digits: string) => {
    const at = Number(digits) - 1
    const fragment = fragments[at]
    if (fragment === undefined) throw new Error(`${name}: its frame asks for fragment ${digits}`)
    used.add(at)
    return fragment
  })
  const unused = fragments.filter((_, at) => !used.has(at))
  if (unused.length === 0) return text
  throw new Error(`${name}: no frame runs this fragment:\n${unused[0]}`)
}
