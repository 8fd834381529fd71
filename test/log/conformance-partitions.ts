// Conformance of the log port: topics, appends, reads, trimming, compaction, limits, closing.

import { expect, test } from '@jest/globals'
import type { Log, LogRecord, StoredRecord } from '../../src/log/port.ts'
import type { Subject } from './conformance.ts'
import { sleep } from './recording-member.ts'

export function record(key: string | null, value: string | null): LogRecord {
  return { key, value: value === null ? null : Buffer.from(value) }
}

export function texts(records: readonly StoredRecord[]): (string | null)[] {
  return records.map(({ value }) => (value === null ? null : Buffer.from(value).toString()))
}

/** Everything of a partition, from its start. */
export async function readAll(log: Log, topic: string, partition: number): Promise<StoredRecord[]> {
  const { start, end } = (await log.ends(topic))[partition]!
  const records: StoredRecord[] = []
  for (let from = start; from < end; ) {
    const result = await log.read(topic, partition, from)
    expect(result.next).toBeGreaterThan(from)
    records.push(...result.records.map(decoded))
    from = result.next
  }
  return records
}

/** An adapter may decode key and headers only when it is asked. */
function decoded({ key, value, headers = {}, offset, timestamp }: StoredRecord): StoredRecord {
  return { key, value, headers, offset, timestamp }
}

export function partitionConformance(subject: Subject): void {
  topicCases(subject)
  appendCases(subject)
  readCases(subject)
  waitCases(subject)
  trimCases(subject)
  compactionCases(subject)
  limitCases(subject)
  durabilityCases(subject)
}

function topicCases(subject: Subject): void {
  test('provision creates what is missing, and is repeatable', async () => {
    const { log } = subject.current()
    const spec = { name: subject.topic(), partitions: 3, cleanup: 'log' } as const
    await Promise.all([log.provision([spec]), log.provision([spec])])
    await log.provision([spec, { ...spec, name: subject.topic('b') }])
    expect(await log.ends(spec.name)).toEqual([0, 1, 2].map(() => ({ start: 0, end: 0 })))
  })

  test('what is missing is made only where it may be', async () => {
    const { log } = subject.current()
    const [there, missing] = [subject.topic('there'), subject.topic('missing')]
    const spec = (name: string) => ({ name, partitions: 2, cleanup: 'log' as const })
    await log.provision([spec(there)])
    await log.provision([spec(there)], { create: false })
    const failure = log.provision([spec(there), spec(missing)], { create: false })
    await expect(failure).rejects.toMatchObject({ code: 'log-topic-unknown', detail: missing })
    await expect(log.ends(missing)).rejects.toMatchObject({ code: 'log-topic-unknown' })
  })

  test('provision refuses a topic that differs from the existing one', async () => {
    const { log } = subject.current()
    const spec = { name: subject.topic(), partitions: 3, cleanup: 'log' } as const
    await log.provision([spec])
    const code = 'log-topic-mismatch'
    await expect(log.provision([{ ...spec, partitions: 4 }])).rejects.toMatchObject({ code })
    await expect(log.provision([{ ...spec, cleanup: 'compact' }])).rejects.toMatchObject({ code })
    expect((await log.ends(spec.name)).length).toBe(3)
  })

  test('unknown topics and partitions are errors', async () => {
    const { log } = subject.current()
    const code = 'log-topic-unknown'
    await log.provision([{ name: subject.topic(), partitions: 1, cleanup: 'log' }])
    await expect(log.append('absent', 0, [record('k', 'v')])).rejects.toMatchObject({ code })
    await expect(log.read(subject.topic(), 1, 0)).rejects.toMatchObject({ code })
    await expect(log.ends('absent')).rejects.toMatchObject({ code })
  })
}

function appendCases(subject: Subject): void {
  test('L1 L2: appends are contiguous, visible when resolved, and keep their bytes', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 2, cleanup: 'log' }])
    const bytes = Buffer.from([0, 255, 128, 1])
    const given: LogRecord[] = [
      { key: 'ключ', value: bytes, headers: { 'hb-height': '7', ü: '' } },
      { key: null, value: null },
      { key: '', value: new Uint8Array(0) },
    ]
    expect(await log.append(topic, 0, given)).toBe(0)
    bytes.fill(9)
    expect(await log.append(topic, 0, [record('k', 'v')])).toBe(3)
    expect(await log.append(topic, 1, [record('k', 'v')])).toBe(0)
    const { records, next } = await log.read(topic, 0, 0)
    expect(next).toBe(4)
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
    expect(records[0]).toMatchObject({ key: 'ключ', headers: { 'hb-height': '7', ü: '' } })
    expect([...(records[0]?.value ?? [])]).toEqual([0, 255, 128, 1])
    expect(records[1]).toMatchObject({ key: null, value: null })
    expect(records[2]?.key).toBe('')
    expect(records[2]?.value?.length).toBe(0)
    for (const { timestamp } of records) expect(Math.abs(Date.now() - timestamp)).toBeLessThan(1e7)
  })

  test('L1 L2: concurrent appends do not mix, and resolve with their place', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 2, cleanup: 'log' }])
    const bases = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const batch = [1, 2, 3].map((i) => record(`${n}`, `${n}.${i}`))
        const base = await log.append(topic, n % 2, batch)
        expect((await log.ends(topic))[n % 2]!.end).toBeGreaterThanOrEqual(base + 3)
        return base
      }),
    )
    for (const partition of [0, 1]) {
      const all = texts(await readAll(log, topic, partition))
      expect(all.length).toBe(60)
      bases.forEach((base, n) => {
        if (n % 2 !== partition) return
        expect(all.slice(base, base + 3)).toEqual([`${n}.1`, `${n}.2`, `${n}.3`])
      })
    }
  })
}

function readCases(subject: Subject): void {
  test('reads stop at `to` and at bytesMax, but give at least one record', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'log' }])
    for (let n = 0; n < 4; n++) {
      await log.append(topic, 0, [0, 1, 2].map((i) => record('k', `${n * 3 + i}`.padEnd(100))))
    }
    const middle = await log.read(topic, 0, 2, { to: 7 })
    expect(middle.records.map(({ offset }) => offset)).toEqual([2, 3, 4, 5, 6])
    expect(middle.next).toBe(7)
    const one = await log.read(topic, 0, 5, { bytesMax: 1 })
    expect(one.records.map(({ offset }) => offset)).toEqual([5])
    expect(one.next).toBe(6)
    const some = await log.read(topic, 0, 0, { bytesMax: 450 })
    expect(some.records.length).toBeGreaterThanOrEqual(1)
    expect(some.records.length).toBeLessThan(12)
    expect(some.next).toBe(some.records.length)
    expect(await log.read(topic, 0, 12)).toEqual({ records: [], next: 12 })
    expect(await log.read(topic, 0, 4, { to: 4 })).toEqual({ records: [], next: 4 })
  })

  test('L6: a position out of range is an error, below and above', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'log' }])
    await log.append(topic, 0, [1, 2, 3, 4].map((n) => record('k', `${n}`)))
    await log.trim(topic, 0, 2)
    const code = 'log-position-out-of-range'
    await expect(log.read(topic, 0, 1)).rejects.toMatchObject({ code })
    await expect(log.read(topic, 0, 5)).rejects.toMatchObject({ code })
    expect(texts((await log.read(topic, 0, 2)).records)).toEqual(['3', '4'])
  })
}

function waitCases(subject: Subject): void {
  test('a waiting read returns when a record comes, and empty when the time is over', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 2, cleanup: 'log' }])
    expect(await log.read(topic, 0, 0, { waitMs: 30 })).toEqual({ records: [], next: 0 })
    const waiting = log.read(topic, 0, 0, { waitMs: 30_000 })
    await log.append(topic, 1, [record('other', 'partition')])
    await log.append(topic, 0, [record('k', 'v')])
    expect(texts((await waiting).records)).toEqual(['v'])
  })

  test('a waiting read ends when its signal aborts', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'log' }])
    const abort = new AbortController()
    const waiting = log.read(topic, 0, 0, { waitMs: 60_000, signal: abort.signal })
    await sleep(10)
    abort.abort()
    expect(await waiting).toEqual({ records: [], next: 0 })
    const aborted = await log.read(topic, 0, 0, { waitMs: 60_000, signal: abort.signal })
    expect(aborted.records).toEqual([])
  })

  test('after close everything is refused, and a waiting read ends', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'log' }])
    const waiting = log.read(topic, 0, 0, { waitMs: 60_000 })
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'log-closed' })
    const pending = log.append(topic, 0, [record('k', 'v')])
    await Promise.all([log.close(), log.close()])
    expect(await pending).toBe(0)
    await outcome
    const code = 'log-closed'
    await expect(log.append(topic, 0, [record('k', 'v')])).rejects.toMatchObject({ code })
    await expect(log.read(topic, 0, 0)).rejects.toMatchObject({ code })
    await expect(log.ends(topic)).rejects.toMatchObject({ code })
  })
}

function trimCases(subject: Subject): void {
  test('trim moves the start, leaves offsets alone, and does nothing below the start', async () => {
    const { log } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'log' }])
    for (let n = 0; n < 5; n++) {
      await log.append(topic, 0, [0, 1].map((i) => record('k', `${n * 2 + i}`)))
    }
    await log.trim(topic, 0, 5)
    await log.trim(topic, 0, 3)
    expect(await log.ends(topic)).toEqual([{ start: 5, end: 10 }])
    expect(texts(await readAll(log, topic, 0))).toEqual(['5', '6', '7', '8', '9'])
    await log.trim(topic, 0, 10)
    expect(await log.ends(topic)).toEqual([{ start: 10, end: 10 }])
    expect(await log.append(topic, 0, [record('k', 'next')])).toBe(10)
    await expect(log.trim(topic, 0, 12)).rejects.toMatchObject({
      code: 'log-position-out-of-range',
    })
  })

  test('a compacted topic cannot be trimmed', async () => {
    const { log } = subject.current()
    await log.provision([{ name: subject.topic(), partitions: 1, cleanup: 'compact' }])
    await log.append(subject.topic(), 0, [record('k', 'v')])
    const code = 'log-not-trimmable'
    await expect(log.trim(subject.topic(), 0, 1)).rejects.toMatchObject({ code })
  })
}

function compactionCases(subject: Subject): void {
  test('compaction keeps the newest record of every key at its offset', async () => {
    const { log, compact } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'compact' }])
    const newest = new Map<string, { offset: number; value: string | null }>()
    for (let n = 0; n < 60; n++) {
      const batch = [0, 1, 2].map((i) => {
        const key = `key-${(n * 7 + i * 5) % 11}`
        return record(key, n % 10 === 9 ? null : `${n}.${i}`)
      })
      const base = await log.append(topic, 0, batch)
      batch.forEach(({ key, value }, i) =>
        newest.set(key!, { offset: base + i, value: value && Buffer.from(value).toString() }),
      )
      if (n % 25 === 24) await compact?.(log, topic, 0)
    }
    await compact?.(log, topic, 0)
    const records = await readAll(log, topic, 0)
    const found = new Map(records.map((stored) => [stored.key, stored]))
    expect(found.size).toBe(newest.size)
    for (const [key, { offset, value }] of newest) {
      expect(found.get(key)?.offset).toBe(offset)
      expect(texts([found.get(key)!])).toEqual([value])
    }
    const offsets = records.map(({ offset }) => offset)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect((await log.ends(topic))[0]!.end).toBe(180)
    if (compact !== undefined) expect(records.length).toBe(newest.size)
  })

  test('a record of a compacted topic needs a key', async () => {
    const { log } = subject.current()
    await log.provision([{ name: subject.topic(), partitions: 1, cleanup: 'compact' }])
    const batch = [record('k', 'v'), record(null, 'v')]
    await expect(log.append(subject.topic(), 0, batch)).rejects.toMatchObject({
      code: 'log-record-invalid',
    })
    expect(await log.ends(subject.topic())).toEqual([{ start: 0, end: 0 }])
  })
}

function limitCases(subject: Subject): void {
  test('a record beyond the limit is refused and the whole batch with it', async () => {
    const { log, recordBytesTooMany } = subject.current()
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 1, cleanup: 'log' }])
    const large = { key: 'k', value: Buffer.alloc(recordBytesTooMany) }
    await expect(log.append(topic, 0, [record('k', 'v'), large])).rejects.toMatchObject({
      code: 'log-record-too-large',
    })
    await expect(log.append(topic, 0, [])).rejects.toMatchObject({ code: 'log-record-invalid' })
    expect(await log.ends(topic)).toEqual([{ start: 0, end: 0 }])
  })
}

function durabilityCases(subject: Subject): void {
  test('L2: what was appended, trimmed and provisioned is there after reopening', async () => {
    const { log, reopen } = subject.current()
    if (reopen === undefined) return
    const topic = subject.topic()
    await log.provision([{ name: topic, partitions: 2, cleanup: 'log' }])
    for (let n = 0; n < 6; n++) {
      await log.append(topic, 1, [record(`k${n}`, `${n}`), record(null, '')])
    }
    await log.trim(topic, 1, 3)
    const before = await readAll(log, topic, 1)
    const again = await reopen()
    expect(await again.ends(topic)).toEqual([
      { start: 0, end: 0 },
      { start: 3, end: 12 },
    ])
    expect(await readAll(again, topic, 1)).toEqual(before)
    await again.trim(topic, 1, 12)
    const third = await reopen()
    expect((await third.ends(topic))[1]).toEqual({ start: 12, end: 12 })
    expect(await third.append(topic, 1, [record('k', 'v')])).toBe(12)
  })
}
