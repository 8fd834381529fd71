// One atomic LMDB transaction over lmdb-js, with its real error.
// lmdb-js rejects a failed commit with an error whose `commitError` is a promise that rejects a
// moment later with the cause; left alone, that second rejection ends the OS process.

import type { RootDatabase } from 'lmdb'

/**
 * Everything that `put` writes, in any database of the environment, or nothing. Resolves once
 * committed.
 */
export async function commitBatch(
  root: RootDatabase<Buffer, Buffer>,
  put: () => void,
): Promise<void> {
  try {
    await root.batch(put)
  } catch (error) {
    const later = (error as { commitError?: unknown }).commitError
    if (!(later instanceof Promise)) throw error
    throw await later.then(
      () => error,
      (cause: unknown) => cause,
    )
  }
}
