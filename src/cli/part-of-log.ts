// A directory that a part of a log was restored into, to be looked at: a node that went on from it
// would begin what is missing anew.
//
// Invariant: the mark is there before anything of the part, and goes when the log is whole.

import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HbError } from '../std/errors.ts'
import { readable } from './readable.ts'

const MARK = 'part-of-log.json'

/** `of`: what was chosen. Throws `restore-target-differs` where there is a network's whole log. */
export async function markPart(directory: string, of: object): Promise<void> {
  const { GENESIS_FILE } = await import('./dev-genesis.ts')
  const path = join(directory, MARK)
  if (!existsSync(path) && existsSync(join(directory, GENESIS_FILE))) {
    throw new HbError('restore-target-differs', `${directory} holds a log that is no part of one`)
  }
  await readable(path, async () => {
    await mkdir(directory, { recursive: true })
    await writeFile(path, `${JSON.stringify(of)}\n`, { flush: true })
  })
}

export async function unmarkPart(directory: string): Promise<void> {
  await rm(join(directory, MARK), { force: true })
}

/** Throws `log-partial`. */
export function checkWhole(directory: string): void {
  if (existsSync(join(directory, MARK))) throw new HbError('log-partial', directory)
}
