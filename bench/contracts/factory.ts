// Makes children by salts and their module's hash.

import { contract, integer, onJson, object } from '../../src/lib/index.ts'

export const handle = contract<{ module: string; child: object }>({
  actions: {
    Make: onJson(
      object({ from: integer(0), count: integer(1, 64) }),
      ({ module, child }, { from, count }) =>
        Array.from({ length: count }, (_, at) => {
          const data = { module, state: child }
          return { kind: 'spawn' as const, salt: String(from + at), data }
        }),
    ),
  },
})
