// What a file of test vectors is made of: a subject, its cases, and the one computation that both
// the generator and the test apply to a case's input.
//
// Invariants: V1 an output is a function of the case's input (and of what the file says is given)
// alone: no clock, no randomness, no state. V2 a file is ASCII, and every string in it is
// well-formed Unicode, so that any JSON parser reads it; what is not is given as hex.

import { asBuffer } from '../../src/std/bytes.ts'
import { isHbError } from '../../src/std/errors.ts'

/** `output` is what `compute` gave. */
export type Case = { readonly name: string; readonly input: unknown; readonly output: unknown }

/** A file `<subject>.json`, as it is read. `given` is what all its inputs share. */
export type VectorFile = {
  readonly subject: string
  readonly about: string
  readonly given?: unknown
  readonly cases: readonly Case[]
}

export type Subject = {
  /** The file's name without its ending. */
  readonly subject: string
  /** What is computed, and how its input and output are written. */
  readonly about: string
  readonly given?: unknown
  readonly inputs: readonly Named<unknown>[]
  readonly compute: (input: unknown, given: unknown) => unknown
}

export type Named<I> = readonly [name: string, input: I]

/** A subject whose inputs have one type; the types of what is read from a file are not checked. */
export function subject<I, G = undefined>(of: {
  readonly subject: string
  readonly about: string
  readonly given?: G
  readonly inputs: readonly Named<I>[]
  readonly compute: (input: I, given: G) => unknown
}): Subject {
  return of as unknown as Subject
}

/** The file of a subject, its outputs computed. */
export function vectorFile({ subject, about, given, inputs, compute }: Subject): VectorFile {
  // through JSON, so that the generator computes from what a reader of the file will have
  const read = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
  const shared = given === undefined ? undefined : read(given)
  const cases = inputs.map(([name, input]) => {
    const written = read(input)
    return { name, input: written, output: read(compute(written, shared)) }
  })
  return { subject, about, ...(shared !== undefined && { given: shared }), cases }
}

/**
 * Names of cases of `before` that `after` lacks or has otherwise: none where cases were only added.
 */
export function changedCases(before: VectorFile, after: VectorFile): string[] {
  const known = new Map(after.cases.map((each) => [each.name, JSON.stringify(each)]))
  const given = JSON.stringify(before.given) === JSON.stringify(after.given)
  return before.cases
    .filter((each) => !given || known.get(each.name) !== JSON.stringify(each))
    .map(({ name }) => name)
}

/** The bytes that stand in the checkout. */
export function fileText(file: VectorFile): string {
  const text = JSON.stringify(file, null, 1)
  if (/\\ud[89a-f]/.test(text.replaceAll('\\\\', ''))) {
    throw new Error(`${file.subject}: a lone surrogate, which not every parser reads (V2)`)
  }
  const escaped = text.replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `${escaped}\n`
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

export function fromHex(text: string): Buffer {
  const bytes = Buffer.from(text, 'hex')
  if (bytes.toString('hex') !== text) throw new Error(`not lower-case hex: ${text.slice(0, 80)}`)
  return bytes
}

/** The output, or {error: code} of what was refused; anything else that is thrown goes through. */
export function orCode<T>(compute: () => T): T | { error: string } {
  try {
    return compute()
  } catch (error) {
    if (isHbError(error)) return { error: error.code }
    throw error
  }
}

/** As `orCode`, with the text: where a refusal becomes a result, its text is hashed too. */
export function orRefusal<T>(compute: () => T): T | { error: string; text: string } {
  try {
    return compute()
  } catch (error) {
    if (isHbError(error)) return { error: error.code, text: error.detail }
    throw error
  }
}
