// What a message left in the sandbox, read: changes, messages, size.
//
// Owners: nothing is kept here. Invariants: T1 the changes are the canonical text of
// protocol/changes.ts whichever way they come: listed (leaves for leaves) or as an edit.
// T2 what the heap reader does not read is asked for as text; the result is the same.

import { parseJson, quoted, unitsOf } from '../../std/json-text.ts'
import { compareKeys } from '../../protocol/changes.ts'
import type { EvaluationLimits } from '../port.ts'
import { TAG, UNREADABLE, type HeapReader } from './heap.ts'
import type { Sandbox } from './sandbox.ts'
import { DRIVER, type ScriptContext } from './script-context.ts'

export type Output =
  | {
      readonly changes: string
      readonly messages: readonly unknown[]
      readonly stateBytes: number
      /** UTF-16 units of all that comes out, as text. */
      readonly units: number
    }
  | { readonly code: string; readonly text: string; readonly units: number }

/** Ends the message; undefined where it was interrupted. */
export function readOutput(sandbox: Sandbox, limits: EvaluationLimits): Output | undefined {
  const { context } = sandbox
  const ended = context.run(DRIVER.end)
  if (ended === 0) return undefined
  const max = limits.outputBytesMax
  const { reader } = sandbox
  if (reader.tag(ended) !== TAG.object) return failure(context.textOf(ended))
  const first = reader.elements(ended)
  const changes = readChanges(reader, first, max)
  const messages = changes === undefined ? UNREADABLE : reader.read(first + 16, max)
  const { units } = reader
  context.release(ended)
  if (changes === undefined || messages === UNREADABLE) return textOutput(context, max)
  return sized(changes.text, messages as readonly unknown[], units, changes.stateBytes, max)
}

function sized(
  changes: string,
  messages: readonly unknown[],
  messageUnits: number,
  stateBytes: number,
  max: number,
): Output {
  const units = changes.length + messageUnits
  if (units > max) {
    return { code: 'output-too-large', text: `${units} units, at most ${max}`, units }
  }
  return { changes, messages, stateBytes, units }
}

/** `E`, a code, a line feed, the error's text as JSON. */
function failure(output: string): Output {
  const line = output.indexOf('\n')
  const text = JSON.parse(output.slice(line + 1)) as string
  return { code: output.slice(1, line), text, units: output.length }
}

/** The changes, the messages and the size, a line each. */
function textOutput(context: ScriptContext, max: number): Output | undefined {
  const value = context.run(DRIVER.text)
  if (value === 0) return undefined
  const output = context.textOf(value)
  if (output.startsWith('E')) return failure(output)
  const first = output.indexOf('\n')
  const second = output.indexOf('\n', first + 1)
  const outbox = output.slice(first + 1, second)
  // Before it is parsed: it may be as long as the engine's memory.
  if (first + outbox.length > max) return sized(output.slice(0, first), [], outbox.length, 0, max)
  const messages = parseJson(outbox) as readonly unknown[]
  const stateBytes = Number(output.slice(second + 1))
  return sized(output.slice(0, first), messages, outbox.length, stateBytes, max)
}

type ReadChanges = { readonly text: string; readonly stateBytes: number }

/** undefined: not readable. */
function readChanges(reader: HeapReader, first: number, max: number): ReadChanges | undefined {
  if (reader.tag(first + 24) !== TAG.int) return undefined
  const size = reader.integer(first + 24)
  if (reader.tag(first) === TAG.object) {
    const list = reader.read(first, 2 * max)
    return list === UNREADABLE ? undefined : listed(list as Listed, size)
  }
  if (reader.tag(first + 8) === TAG.undefined) return { text: '[]', stateBytes: size }
  const edit = reader.read(first + 8, max)
  if (edit === UNREADABLE) return undefined
  const text = JSON.stringify(edit)
  if (reader.tag(first + 32) === TAG.null) return { text, stateBytes: size }
  const texts = reader.read(first + 32, 2 * max)
  if (texts === UNREADABLE) return undefined
  let stateBytes = size
  ;(texts as readonly string[]).forEach((value, index) => {
    stateBytes += index % 2 === 0 ? -unitsOf(value) : unitsOf(value)
  })
  return { text, stateBytes }
}

/** See `list` in settle.js. */
type Leaf = string | number | boolean
type Listed = readonly Leaf[]
/** `text`: the key and its edit. */
type Pair = { readonly key: string; readonly text: string }
type Container = { readonly edits: Pair[]; inner: Map<string, Container> | undefined }

function listed(list: Listed, size: number): ReadChanges {
  const root: Container = { edits: [], inner: undefined }
  let stateBytes = size
  let at = 0
  while (at < list.length) {
    const depth = list[at] as number
    let container = root
    for (let i = depth; i > 0; i--) container = inside(container, list[at + i] as string)
    at += depth + 1
    const end = at + 1 + 3 * (list[at] as number)
    for (at += 1; at < end; at += 3) {
      const key = list[at] as string
      const value = leafText(list[at + 2] as Leaf)
      stateBytes += value.length - leafUnits(list[at + 1] as Leaf)
      container.edits.push({ key, text: `${quoted(key)},["=",${value}]` })
    }
  }
  const text = textOf(root)
  return { text: text === '' ? '[]' : text, stateBytes }
}

function leafText(leaf: Leaf): string {
  return typeof leaf === 'string' ? quoted(leaf) : String(leaf)
}

function leafUnits(leaf: Leaf): number {
  return typeof leaf === 'string' ? unitsOf(leaf) : String(leaf).length
}

function inside(container: Container, key: string): Container {
  const inner = (container.inner ??= new Map<string, Container>())
  let next = inner.get(key)
  if (next === undefined) {
    next = { edits: [], inner: undefined }
    inner.set(key, next)
  }
  return next
}

/** The object edit of a container, '' where nothing changed in it. */
function textOf({ edits, inner }: Container): string {
  if (inner !== undefined) {
    for (const [key, container] of inner) {
      const text = textOf(container)
      if (text !== '') edits.push({ key, text: `${quoted(key)},${text}` })
    }
  }
  if (edits.length === 0) return ''
  if (edits.length > 1) edits.sort((a, b) => compareKeys(a.key, b.key))
  let text = '["o",['
  for (let i = 0; i < edits.length; i++) text += (i === 0 ? '' : ',') + (edits[i] as Pair).text
  return `${text}]]`
}
