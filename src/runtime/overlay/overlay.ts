// The write overlay: its three scripts put together, its type, and the way to make one in V8. The
// sandbox compiles the same text itself. Owners: the caller owns the text (read once per runtime);
// an overlay belongs to one instance.

import { parseJson } from '../../std/json-text.ts'
import { readFileSync } from 'node:fs'

/**
 * Containers a state may nest, and its largest size (see stateSize); `charge` is told costs before
 * they are caused.
 */
export type OverlayLimits = {
  readonly depth: number
  readonly size: number
  readonly charge: (cost: number) => void
}

/** An edit of protocol/changes.ts, as an array. */
export type RawEdit = readonly unknown[]

export type Overlay = {
  load(snapshot: string, size: number): void
  begin(): Record<string, unknown>
  list(next: unknown): readonly (string | number | boolean)[] | undefined
  settle(next: unknown): RawEdit | undefined
  size(): number
  sized(): number
  unsized(): readonly string[] | null
  codeOf(error: unknown): string
  install(size?: number): void
  undo(): void
  snapshot(): string
  keysOf(value: unknown): string[] | undefined
  hasOwn(value: object, key: PropertyKey): boolean
}

/** What takes the short way when it is written in the place of such. */
export type Listed = 'texts' | 'leaves'

/**
 * Whether what is written (`value`, where what was is `node.raw[key]`) may be listed, if not both
 * are texts. Put in as text: a test or a call more would change what older messages cost. A number
 * must be one that JSON gives back as it is; what a raw object inherits is no leaf.
 */
const LISTED: Readonly<Record<Listed, string>> = {
  texts: 'false',
  leaves: `typeof node.raw[key] in LEAF && (typeof value === 'number'
    ? value - value === 0 && (value !== 0 || 1 / value > 0)
    : typeof value in LEAF)`,
}

/**
 * The script's text: an expression, `(limits) => overlay`. It is part of the engine's version: its
 * calls and branches cost gas.
 */
export function readOverlayScript(listed: Listed = 'texts'): string {
  const [proxies = '', edits, settle] = ['./proxies.js', './edits.js', './settle.js'].map((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  )
  return `((limits) => {
    const nodes = (${proxies.replace('plain = LISTED', `plain = ${LISTED[listed]}`)})(limits)
    return (${settle})(limits, nodes, (${edits})(limits, nodes))
  })`
}

export type MakeOverlay = (limits: OverlayLimits) => Overlay

/**
 * Evaluates the script in this realm, so that its `Object.prototype` is that of the contracts it
 * serves.
 */
export function compileOverlay(script: string): MakeOverlay {
  // The package's own file; a vm script would be in another realm under a test runner.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const make = new Function('JSON', `return ${script}`) as (json: unknown) => MakeOverlay
  return make({ stringify: JSON.stringify, parse: parseJson })
}
