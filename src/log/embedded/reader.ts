// Reading an embedded log beside whoever has it open: LMDB lets any number of OS processes read
// while one writes.
//
// Owner: who opened it closes it. Invariants: D1 nothing is written, neither records nor positions
// nor the lock. D2 ends are those of the opening; what is trimmed since is an error with a code, as
// for every reader.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { inspectDataFile, lockDirectory } from '../../store/lmdb/index.ts'
import { LOG_LIMITS } from '../local/limits.ts'
import { createLocalLog } from '../local/local-log.ts'
import type { Log } from '../port.ts'
import { EmbeddedStorage } from './embedded-storage.ts'
import { openLogFileToRead } from './log-file.ts'

/**
 * The log of the directory, to read. Errors: `log-absent`, `log-file-foreign`, `log-file-corrupt`,
 * `log-format-unsupported`; whatever would write is `log-read-only`.
 */
export async function openEmbeddedReader(dir: string): Promise<Log> {
  const path = join(dir, 'data.mdb')
  if (!existsSync(path)) throw new HbError('log-absent', dir)
  const { kind } = inspectDataFile(path)
  if (kind === 'foreign') throw new HbError('log-file-foreign', `${path} is no LMDB file`)
  if (kind !== 'whole' && !isHeld(dir)) {
    // whoever opens it to write finds out what is left of it, and mends that
    throw new HbError('log-file-corrupt', `${path} is ${kind}: start the node on it first`)
  }
  const file = openLogFileToRead(dir)
  try {
    const storage = new EmbeddedStorage(file, dir, systemClock, LOG_LIMITS, true)
    await storage.load()
    const options = { storage, clock: systemClock, limits: LOG_LIMITS, generationBase: 0 }
    return readOnly(createLocalLog(options), storage, dir)
  } catch (error) {
    await file.root.close()
    throw error
  }
}

/** Its holder's data pages are in the file before a meta page speaks of them. */
function isHeld(dir: string): boolean {
  const lock = lockDirectory(dir)
  if ('holder' in lock) return true
  lock.release()
  return false
}

function readOnly(log: Log, storage: EmbeddedStorage, dir: string): Log {
  const refuse = (): Promise<never> => Promise.reject(new HbError('log-read-only', dir))
  return {
    provision: refuse,
    append: refuse,
    trim: refuse,
    join: refuse,
    read: (topic, partition, from, options) => {
      storage.noticeTrim(topic, partition)
      return log.read(topic, partition, from, options)
    },
    ends: (topic) => log.ends(topic),
    committed: (group, topic) => log.committed(group, topic),
    members: (group) => log.members(group),
    describe: () => `${log.describe()}, read only`,
    close: () => log.close(),
  }
}
