// Deletes all keys of a store that begin with a text, in pieces.

import type { Store } from '../port.ts'

const KEYS_MAX = 1_000

/**
 * Not atomic: what is left half way is deleted by the next call. `first`: the key by which the rest
 * is believed; it goes before all else. Resolves with how many.
 */
export async function dropRange(store: Store, prefix: string, first?: string): Promise<number> {
  if (first !== undefined) await store.write([{ key: first, value: null }])
  const range = { from: prefix, to: `${prefix}\u007f`, limit: KEYS_MAX }
  for (let dropped = 0; ; ) {
    const ops = [...store.range(range)].map(({ key }) => ({ key, value: null }))
    if (ops.length === 0) return dropped
    await store.write(ops)
    dropped += ops.length
  }
}
