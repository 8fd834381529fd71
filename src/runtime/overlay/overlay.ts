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
  list(next: unknown): readonly (string | number)[] | undefined
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

/**
 * The script's text: an expression, `(limits) => overlay`. It is part of the engine's version: its
 * calls cost gas.
 */
export function readOverlayScript(): string {
  const [proxies, edits, settle] = ['./proxies.js', './edits.js', './settle.js'].map((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  )
  return `((limits) => {
    const nodes = (${proxies})(limits)
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
