// A verifier that remembers which items held, so that a node that checked one at its door need not
// check it again when it orders it. Only in memory, only of the same bytes, and each verdict is
// used once.

import { hash } from 'node:crypto'
import type { Verdict, Verifier } from './port.ts'

/** Items remembered; default 65,536 (the oldest is forgotten: it is checked again). */
export type RememberingOptions = { readonly itemsMax?: number }

export type RememberingVerifier = Verifier & {
  /** As `verify`, and remembers the items that hold. */
  verifyFirst(items: readonly Uint8Array[]): Promise<Verdict[]>
}

export function rememberVerdicts(
  inner: Verifier,
  { itemsMax = 65_536 }: RememberingOptions = {},
): RememberingVerifier {
  const held = new Map<string, Verdict>()
  const digest = (item: Uint8Array): string => hash('sha256', item, 'base64')
  return {
    async verifyFirst(items) {
      const verdicts = await inner.verify(items)
      verdicts.forEach((verdict, index) => {
        if (!verdict.ok) return
        if (held.size >= itemsMax) {
          const oldest = held.keys().next()
          if (oldest.done !== true) held.delete(oldest.value)
        }
        held.set(digest(items[index] as Uint8Array), verdict)
      })
      return verdicts
    },
    async verify(items) {
      if (held.size === 0) return inner.verify(items)
      const verdicts: (Verdict | undefined)[] = items.map((item) => {
        const key = digest(item)
        const verdict = held.get(key)
        if (verdict !== undefined) held.delete(key)
        return verdict
      })
      const rest = items.filter((_, index) => verdicts[index] === undefined)
      if (rest.length === 0) return verdicts as Verdict[]
      const fresh = (await inner.verify(rest)).values()
      return verdicts.map((verdict) => verdict ?? (fresh.next().value as Verdict))
    },
    close: () => inner.close(),
  }
}
