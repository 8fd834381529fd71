// The file archive: each item one file of a directory. The default, and what an archive on another
// machine or a backup tool copies.
//
// Owners: any number of OS processes may write and read the same directory. Invariants: A1 to A4 of
// the port. F1 a file gets its name when its bytes are synced: a name is a whole file. F2 a file is
// never opened to be changed; what a crash left has a name that no reader takes for an item, and
// goes when a writer comes by after a day, in which every other writer has finished it.

import { constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { DataItem, DataItemFields, Tag } from '../../protocol/ans104/index.ts'
import { parseDataItem, verifyDataItem } from '../../protocol/ans104/index.ts'
import { systemClock } from '../../std/clock.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { Archive, Found, Kept, Prepared, Signer, Upload } from '../port.ts'
import { foldersOf, idIn, pathOf } from './paths.ts'

export type FileArchiveOptions = {
  readonly dir: string
  /** Without one it is only read. */
  readonly signer?: Signer
}

/** The greatest head of an item: signature, owner, target, anchor and tags. */
const HEAD_BYTES_MAX = 2 + 512 + 512 + 33 + 33 + 16 + 4096
/** What is being written, or was when its writer died. */
const UNFINISHED = '.unfinished'
const UNFINISHED_MS_MAX = 86_400_000

export function openFileArchive(options: FileArchiveOptions): Archive {
  return new FileArchive(options)
}

class FileArchive implements Archive {
  readonly #dir: string
  readonly #signer: Signer | undefined
  /** By id, where `find` or `post` saw it. */
  readonly #places = new Map<string, string>()
  #written = 0

  constructor({ dir, signer }: FileArchiveOptions) {
    this.#dir = dir
    this.#signer = signer
  }

  get address(): string | undefined {
    return this.#signer?.address
  }

  signItem(fields: DataItemFields): Buffer {
    if (this.#signer === undefined) throw new HbError('archive-read-only', this.#dir)
    return this.#signer.sign(fields)
  }

  async prepare({ tags, data }: Upload): Promise<Prepared> {
    const bytes = this.signItem({ tags, data })
    return { id: parseDataItem(bytes).id, bytes }
  }

  async post({ id, bytes }: Prepared): Promise<void> {
    const path = join(this.#dir, ...pathOf(parseDataItem(bytes).tags, id))
    try {
      await makeDirectory(dirname(path))
      const unfinished = `${path}.${process.pid}-${++this.#written}${UNFINISHED}`
      await writeSynced(unfinished, bytes)
      await rename(unfinished, path)
      await syncDirectory(dirname(path))
    } catch (error) {
      throw new HbError('archive-write-failed', `${path}: ${String(error)}`, { cause: error })
    }
    this.#places.set(id, path)
  }

  async *find(tags: readonly Tag[]): AsyncGenerator<Found> {
    for await (const path of this.#files(join(this.#dir, ...foldersOf(tags)))) {
      const found = await this.#look(path)
      this.#places.set(found.id, path)
      const isWanted = ({ name, value }: Tag): boolean =>
        found.tags.some((tag) => tag.name === name && tag.value === value)
      if (found.flaw !== undefined || tags.every(isWanted)) yield found
    }
  }

  async read(id: string): Promise<Kept> {
    const path = this.#places.get(id) ?? (await this.#search(id))
    const item = this.#verified(id, path, await readFile(path).catch(absent))
    return { id, owner: item.address, tags: item.tags, data: item.data }
  }

  describe(): string {
    return `file archive in ${this.#dir}`
  }

  async close(): Promise<void> {
    this.#places.clear()
  }

  #verified(id: string, path: string, bytes: Buffer): DataItem {
    try {
      const item = parseDataItem(bytes)
      const verdict = verifyDataItem(item)
      if (!verdict.ok) throw new HbError('archive-item-altered', `${path}: ${verdict.text}`)
      if (verdict.id === id && this.#isPlaced(path, item)) return item
      throw new HbError('archive-item-altered', `${path} holds ${verdict.id}`)
    } catch (error) {
      if (!isHbError(error) || error.code === 'archive-item-altered') throw error
      throw new HbError('archive-item-altered', `${path}: ${error.message}`, { cause: error })
    }
  }

  async #search(id: string): Promise<string> {
    for await (const path of this.#files(this.#dir)) if (path.endsWith(id)) return path
    throw new HbError('archive-absent', `${this.describe()} has no item ${id}`)
  }

  /** Only its head is read. */
  async #look(path: string): Promise<Found> {
    const place = path
    const named = { id: idIn(path.slice(path.lastIndexOf('/') + 1)) ?? '', owner: '', tags: [] }
    const file = await open(path, 'r')
    try {
      const bytes = (await file.stat()).size
      const head = Buffer.alloc(Math.min(bytes, HEAD_BYTES_MAX))
      await file.read(head, 0, head.length, 0)
      try {
        const item = parseDataItem(head)
        const { id, address: owner, tags } = item
        if (this.#isPlaced(path, item)) return { id, owner, tags, bytes, place }
        return { ...named, owner, bytes, place, flaw: 'its name is not that of what it holds' }
      } catch (error) {
        if (!isHbError(error)) throw error
        return { ...named, bytes, place, flaw: error.message }
      }
    } finally {
      await file.close()
    }
  }

  #isPlaced(path: string, { tags, id }: DataItem): boolean {
    return relative(this.#dir, path) === join(...pathOf(tags, id))
  }

  /** In the order of their names. */
  async *#files(dir: string): AsyncGenerator<string> {
    const entries = await readdir(dir, { withFileTypes: true }).catch(none)
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) yield* this.#files(path)
      else if (idIn(entry.name) !== undefined) yield path
      else if (entry.name.endsWith(UNFINISHED)) await this.#removeLeft(path)
    }
  }

  async #removeLeft(path: string): Promise<void> {
    if (this.#signer === undefined) return
    // whoever wrote it may just have finished it
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (systemClock.now() - mtimeMs > UNFINISHED_MS_MAX) await rm(path, { force: true })
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    // a full disk must not be filled by what failed
    await rm(path, { force: true })
    throw error
  }
}

/** Each directory that is made is synced in the one above it. */
async function makeDirectory(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true })
  if (first === undefined) return
  const end = dirname(first)
  for (let made = dir; made !== end; made = dirname(made)) await syncDirectory(dirname(made))
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function none(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return []
  throw error
}

function absent(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT') throw new HbError('archive-absent', `${error.path ?? ''} is gone`)
  throw error
}
