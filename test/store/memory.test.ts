// The memory store keeps the port's promises.

import { createMemoryStore } from '../../src/store/memory/index.ts'
import { storeConformance } from './conformance.ts'

storeConformance('memory', async () => {
  const store = createMemoryStore()
  return { store, dispose: () => store.close() }
})
