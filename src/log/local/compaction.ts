// Compaction of one partition: of every key the newest record stays; tombstones go once they are
// old. Holes remain.
// Owners: local-log.ts runs one compaction at a time.
//
// Invariants: C1 a record is dropped only if a newer one of its key exists at a lower offset than
// the end seen at the start of the pass, or it is a tombstone that an earlier pass has already seen
// and that is older than the delay.
// C2 each slice is replaced atomically, so a crash at any point leaves a valid partition.

import type { StoredRecord } from '../port.ts'
import type { LogLimits } from './limits.ts'
import type { Chunk, PartitionState, Storage } from './storage.ts'

const SLICE_BYTES = 4_194_304
const CHUNK_BYTES = 65_536
const CHUNK_RECORDS = 500

export type Compacted = { readonly kept: number; readonly removed: number }

/** Whether a compaction is due. */
export function isDirty(partition: PartitionState, limits: LogLimits): boolean {
  if (partition.topic.spec.cleanup !== 'compact') return false
  const dirty = partition.end - partition.cleanedTo
  if (dirty < limits.compactionRecordsMin) return false
  return dirty >= limits.compactionDirtyRatio * (dirty + partition.cleanRecords)
}

/** `now` in ms. Stops early, and safely, when the signal aborts. */
export async function compactPartition(
  storage: Storage,
  partition: PartitionState,
  limits: LogLimits,
  now: number,
  signal: AbortSignal,
): Promise<Compacted> {
  const cleanedBefore = partition.cleanedTo
  const { newest, to } = await newestOffsets(storage, partition, limits.compactionKeysMax, signal)
  const isKept = (record: StoredRecord): boolean => {
    const newer = newest.get(record.key as string)
    if (newer !== undefined && newer > record.offset) return false
    if (record.value !== null || record.offset >= cleanedBefore) return true
    return record.timestamp + limits.tombstoneDelayMs > now
  }
  let kept = 0
  let removed = 0
  for (let position = partition.start; position < to;) {
    if (signal.aborted) return { kept, removed }
    const chunks = takeSlice(storage, partition, position, to)
    const first = chunks[0]
    const last = chunks[chunks.length - 1]
    if (first === undefined || last === undefined) break
    const before = chunks.reduce((sum, chunk) => sum + chunk.records.length, 0)
    const survivors = chunks.flatMap((chunk) => chunk.records.filter(isKept))
    kept += survivors.length
    removed += before - survivors.length
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
    const scattered = chunks.length > 1 && bytes / chunks.length < CHUNK_BYTES / 4
    if (survivors.length < before || scattered) {
      await storage.rewrite(partition, first.base, last.next, toChunks(survivors, last.next))
    } else {
      await new Promise((resolve) => setImmediate(resolve))
    }
    position = last.next
  }
  partition.cleanedTo = to
  partition.cleanRecords = kept
  await storage.rewrite(partition, to, to, [])
  return { kept, removed }
}

async function newestOffsets(
  storage: Storage,
  partition: PartitionState,
  keysMax: number,
  signal: AbortSignal,
): Promise<{ newest: Map<string, number>; to: number }> {
  const newest = new Map<string, number>()
  const end = partition.end
  let to = partition.cleanedTo
  while (to < end && newest.size < keysMax && !signal.aborted) {
    const chunk = storage.chunkAt(partition, to)
    if (chunk === undefined) break
    for (const record of chunk.records) {
      if (record.key !== null) newest.set(record.key, record.offset)
    }
    to = chunk.next
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { newest, to }
}

function takeSlice(storage: Storage, partition: PartitionState, from: number, to: number): Chunk[] {
  const chunks: Chunk[] = []
  let bytes = 0
  for (let position = from; position < to && bytes < SLICE_BYTES;) {
    const chunk = storage.chunkAt(partition, position)
    if (chunk === undefined || chunk.base >= to) break
    chunks.push(chunk)
    bytes += chunk.bytes
    position = chunk.next
  }
  return chunks
}

function toChunks(records: readonly StoredRecord[], end: number): Chunk[] {
  const chunks: Chunk[] = []
  let from = 0
  let bytes = 0
  records.forEach((record, index) => {
    bytes += 100 + (record.value?.length ?? 0)
    const following = records[index + 1]
    const count = index + 1 - from
    if (following !== undefined && bytes < CHUNK_BYTES && count < CHUNK_RECORDS) return
    const base = (records[from] as StoredRecord).offset
    const next = following?.offset ?? end
    chunks.push({ base, next, records: records.slice(from, index + 1), bytes })
    from = index + 1
    bytes = 0
  })
  return chunks
}
