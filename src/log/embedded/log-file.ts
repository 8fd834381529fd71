// Opens the LMDB file of an embedded log: lock, inspection, format check, and the one set of
// options that makes a resolved write durable.
//
// Durability: `overlappingSync` off and no `noSync` is LMDB's own commit: data pages are written
// and synced, then the meta page that makes them current is written through a synchronous file
// descriptor; the promise of a batch resolves after both. So what is acknowledged survives a power
// loss, and a torn commit is invisible. (lmdb-js's default mode resolves before the sync.)
// `eventTurnBatching` off hands a batch to the write thread at once.

import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'
import { HbError } from '../../std/errors.ts'
import { commitBatch } from '../../store/lmdb/index.ts'
import { inspectDataFile, padDataFile, syncDirectory } from '../../store/lmdb/index.ts'
import { lockDirectory } from '../../store/lmdb/index.ts'
import { decodeChunk, chunkKeyBase } from './chunk-codec.ts'

/** Changes of the format grow it; a reader knows all earlier ones. */
const FORMAT = { format: 'hollowbeam-log', version: 1 }
/** Beside the data file, so that a lost data file is an error and not an empty log. */
const MARKER = 'hb-log.json'
/** Address space only: growing the map later costs a remap. */
const MAP_BYTES = 4_294_967_296

export type LogFile = {
  readonly root: RootDatabase<Buffer, Buffer>
  readonly records: Database<Buffer, Buffer>
  readonly meta: Database<unknown, string>
  readonly release: () => void
}

/** Errors: `log-locked`, `log-file-foreign`, `log-file-corrupt`, `log-format-unsupported`. */
export async function openLogFile(dir: string): Promise<LogFile> {
  mkdirSync(dir, { recursive: true })
  const lock = lockDirectory(dir)
  if ('holder' in lock) {
    const { pid, host } = lock.holder
    throw new HbError('log-locked', `${dir} is held by pid ${pid} on ${host}`, {
      data: { dir, ...lock.holder },
    })
  }
  try {
    return { ...(await openChecked(dir)), release: lock.release }
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openChecked(dir: string): Promise<Omit<LogFile, 'release'>> {
  const path = join(dir, 'data.mdb')
  const file = inspectDataFile(path)
  const hasMarker = existsSync(join(dir, MARKER))
  if (file.kind === 'foreign') throw new HbError('log-file-foreign', `${path} is no LMDB file`)
  const isMissing = file.kind === 'absent' || file.kind === 'empty'
  if (isMissing && hasMarker) throw new HbError('log-file-corrupt', `${path} is missing or empty`)
  if (file.kind === 'short') padDataFile(path, file.bytesWanted)
  let root: RootDatabase<Buffer, Buffer> | undefined
  try {
    root = openRoot(dir)
    const opened = await openDatabases(root, dir, !hasMarker)
    if (file.kind === 'short') readEverything(opened)
    if (!hasMarker) writeMarker(dir)
    return opened
  } catch (error) {
    await root?.close()
    if (file.kind === 'short') truncateSync(path, file.bytes)
    if (error instanceof HbError) throw error
    throw new HbError('log-file-corrupt', path, { cause: error })
  }
}

/**
 * To read, beside whoever holds the lock; nothing is made or mended. Errors: `log-file-foreign`,
 * `log-file-corrupt`, `log-format-unsupported`.
 */
export function openLogFileToRead(dir: string): LogFile {
  const root = openRoot(dir, true)
  try {
    const file = createDatabases(root)
    checkFormat(file, dir)
    return { ...file, release: () => undefined }
  } catch (error) {
    void root.close()
    if (error instanceof HbError) throw error
    throw new HbError('log-file-corrupt', dir, { cause: error })
  }
}

function writeMarker(dir: string): void {
  writeFileSync(join(dir, MARKER), `${JSON.stringify(FORMAT)}\n`, { flush: true })
  syncDirectory(dir)
}

function openRoot(dir: string, readOnly = false): RootDatabase<Buffer, Buffer> {
  const options: RootDatabaseOptionsWithPath & { txnStartThreshold: number } = {
    path: dir,
    readOnly,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
    txnStartThreshold: 1,
    mapSize: MAP_BYTES,
    maxDbs: 4,
  }
  return open<Buffer, Buffer>(options)
}

function createDatabases(root: RootDatabase<Buffer, Buffer>): Omit<LogFile, 'release'> {
  const records = root.openDB<Buffer, Buffer>({
    name: 'records',
    encoding: 'binary',
    keyEncoding: 'binary',
  })
  const meta = root.openDB<unknown, string>({ name: 'meta', encoding: 'json' })
  return { root, records, meta }
}

/** `isNew`: nothing says that a log was ever made here, so an empty file becomes one. */
async function openDatabases(
  root: RootDatabase<Buffer, Buffer>,
  dir: string,
  isNew: boolean,
): Promise<Omit<LogFile, 'release'>> {
  const names = [...root.getKeys()].map((key) => Buffer.from(key).toString('latin1'))
  const others = names.filter((name) => !/^(records|meta)\0?$/.test(name))
  if (others.length > 0) throw new HbError('log-file-foreign', `${dir} holds ${others.join(', ')}`)
  const databases = createDatabases(root)
  const { meta, records } = databases
  // A crash while the log was made leaves less than its format record: nothing can be in it yet.
  if (isNew && meta.getCount() === 0 && records.getCount() === 0) {
    await commitBatch(root, () => void meta.put('format', FORMAT))
    return databases
  }
  checkFormat(databases, dir)
  return databases
}

function checkFormat({ meta }: Pick<LogFile, 'meta'>, dir: string): void {
  const found = meta.get('format') as Partial<typeof FORMAT> | undefined
  if (found?.format !== FORMAT.format) throw new HbError('log-file-foreign', dir)
  if (found.version !== FORMAT.version) {
    throw new HbError('log-format-unsupported', `${dir}: version ${String(found.version)}`)
  }
}

/** Throws where a page is missing. Slow: every chunk is read and checked. */
function readEverything(file: Omit<LogFile, 'release'>): void {
  for (const key of file.records.getKeys()) {
    decodeChunk(file.records.getBinary(key) as Buffer, chunkKeyBase(key))
  }
  for (const key of file.meta.getKeys()) file.meta.get(key)
}
