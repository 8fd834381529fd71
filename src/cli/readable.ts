// What the file system refuses, as an error with a code.

import { HbError, isHbError } from '../std/errors.ts'

export async function readable<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (isHbError(error)) throw error
    const why = (error as NodeJS.ErrnoException).code
    if (why === undefined) throw error
    throw new HbError('file-unreadable', `${path} (${why})`, { cause: error })
  }
}
