// An archive in memory, for tests that look into one or make it fail.

import type { Archive, Found, Kept, Signer } from '../../src/archive/port.ts'
import { parseDataItem } from '../../src/protocol/ans104/index.ts'
import { HbError } from '../../src/std/errors.ts'

/** By id, in the order in which they were posted first. */
export type Items = Map<string, Uint8Array>

export function memoryArchive(items: Items, signer?: Signer): Archive {
  const itemOf = (id: string) => {
    const bytes = items.get(id)
    if (bytes === undefined) throw new HbError('archive-absent', id)
    return parseDataItem(bytes)
  }
  const signItem: Archive['signItem'] = (fields) => {
    if (signer === undefined) throw new HbError('archive-read-only')
    return signer.sign(fields)
  }
  return {
    address: signer?.address,
    signItem,
    async prepare({ tags, data }) {
      const bytes = signItem({ tags, data })
      return { id: parseDataItem(bytes).id, bytes }
    },
    async post({ id, bytes }) {
      items.set(id, Buffer.from(bytes))
    },
    async *find(tags) {
      for (const id of [...items.keys()]) {
        const item = itemOf(id)
        const has = tags.every(({ name, value }) =>
          item.tags.some((tag) => tag.name === name && tag.value === value),
        )
        const { address: owner, bytes } = item
        const found: Found = { id, owner, tags: item.tags, bytes: bytes.length, place: id }
        if (has) yield found
      }
    },
    async read(id): Promise<Kept> {
      const { address: owner, tags, data } = itemOf(id)
      return { id, owner, tags, data }
    },
    describe: () => 'memory archive',
    close: async () => undefined,
  }
}
