// The write overlay: its two scripts put together, its type, and the way to make one in V8. The sandbox compiles the same text itself.
// Owners: the caller owns the text (read once per runtime); an overlay belongs to one instance.

import { readFileSync } from 'node:fs'

/** Containers a state may nest, and its largest size (see stateSize); `charge` is told costs before they are caused. */
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
  settle(next: unknown): RawEdit | undefined
  size(): number
  codeOf(error: unknown): string
  install(): void
  undo(): void
  snapshot(): string
  keysOf(value: unknown): string[] | undefined
  hasKey(value: unknown, key: string): boolean | undefined
}

/** The script's text: an expression, `(limits) => overlay`. It is part of the engine's version: its calls cost gas. */
export function readOverlayScript(): string {
  return `((limits) => (${part('settle')})(limits, (${part('proxies')})(limits)))`
}

function part(name: string): string {
  return `\n${readFileSync(new URL(`./${name}.js`, import.meta.url), 'utf8')}\n`
}

export type MakeOverlay = (limits: OverlayLimits) => Overlay

/** Evaluates the script in this realm, so that its `Object.prototype` is that of the contracts it serves. */
export function compileOverlay(script: string): MakeOverlay {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the package's own file, in the caller's realm
  return new Function(`return ${script}`)() as MakeOverlay
}
