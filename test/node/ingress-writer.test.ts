// The way into ingress: order per partition, one append at a time, and bounds that are kept when
// appends fail.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Log } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { IngressLimits, IngressRecord } from '../../src/node/ingress-writer.ts'
import { IngressWriter } from '../../src/node/ingress-writer.ts'
import type { HbError } from '../../src/std/errors.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { AppendFault, FaultyLog } from '../log/faulty-log.ts'
import { faultyLog } from '../log/faulty-log.ts'

const TOPIC = 'ingress'

async function open(
  limits: Partial<IngressLimits> = {},
): Promise<{ log: FaultyLog; writer: IngressWriter }> {
  const log = faultyLog(createMemoryLog())
  await log.provision([{ name: TOPIC, partitions: 2, cleanup: 'log' }])
  return { log, writer: new IngressWriter(log, TOPIC, systemClock, limits) }
}

const one = (partition: number, text: string): IngressRecord => ({
  partition,
  record: { key: 'k', value: Buffer.from(text) },
})

async function texts(log: Log, partition: number): Promise<string[]> {
  const { records } = await log.read(TOPIC, partition, 0)
  return records.map(({ value }) => Buffer.from(value as Uint8Array).toString())
}

const codeOf = (write: Promise<void>): Promise<string> =>
  write.then(
    () => 'written',
    (error: unknown) => (error as HbError).code,
  )

describe('the ingress writer', () => {
  test('keeps the order of the writes per partition, whatever the log does', async () => {
    const fault = fc.constantFrom<AppendFault>(
      { kind: 'none' },
      { kind: 'refused' },
      { kind: 'unclear', written: true },
      { kind: 'unclear', written: false },
      { kind: 'twice', answer: 'first' },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 5 }), async (faults) => {
        const { log, writer } = await open({ appendRecordsMax: 3 })
        log.script(...faults)
        const writes = Array.from({ length: 12 }, (_, n) =>
          writer.write([one(n % 2, `${n}`), one(n % 2, `${n}b`)]),
        )
        await Promise.all(writes)
        for (const partition of [0, 1]) {
          const first = [...new Set(await texts(log, partition))]
          const writes = [0, 2, 4, 6, 8, 10].map((n) => n + partition)
          const wanted = writes.flatMap((n) => [`${n}`, `${n}b`])
          expect(first).toEqual(wanted)
        }
        await log.close()
      }),
      { numRuns: 20 },
    )
  })

  test('one append holds what many writes bring, within its bounds', async () => {
    const { log, writer } = await open({ appendRecordsMax: 4, appendBytesMax: 25 })
    const sizes: number[] = []
    const append = log.append.bind(log)
    log.append = (topic, partition, records) => {
      sizes.push(records.length)
      return append(topic, partition, records)
    }
    const long = 'x'.repeat(20)
    const written = ['a', 'b', 'c', 'd', 'e', long, long]
    await Promise.all(written.map((text) => writer.write([one(0, text)])))
    expect(sizes).toEqual([4, 2, 1])
    await log.close()
  })

  test('a write is taken whole or refused whole', async () => {
    const { log, writer } = await open({ waitingRecordsMax: 3, waitingBytesMax: 10 })
    const waiting = writer.write([one(0, 'a'), one(1, 'b')])
    expect(await codeOf(writer.write([one(0, 'c'), one(1, 'd')]))).toBe('queue-full')
    expect(await codeOf(writer.write([one(0, 'more than ten')]))).toBe('queue-full')
    await waiting
    await writer.write([one(0, 'e'), one(0, 'f'), one(0, 'g')])
    expect(await texts(log, 0)).toEqual(['a', 'e', 'f', 'g'])
    expect(await texts(log, 1)).toEqual(['b'])
    await log.close()
  })

  test('what still waits stays counted when a part of its write has failed', async () => {
    const { log, writer } = await open({ waitingRecordsMax: 2, retryMsMax: 200 })
    let release = (): void => undefined
    const blocked = new Promise<void>((resolve) => (release = resolve))
    const append = log.append.bind(log)
    log.append = async (topic, partition, records) => {
      if (partition === 1) throw new Error('broken')
      await blocked
      return append(topic, partition, records)
    }
    const failing = writer.write([one(0, 'a'), one(1, 'b')])
    failing.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await codeOf(writer.write([one(0, 'c')]))).toBe('queue-full')
    release()
    await expect(failing).rejects.toThrow('broken')
    expect(await codeOf(writer.write([one(0, 'd')]))).toBe('written')
    await log.close()
  })

  test('tells its writers when the log refuses for too long', async () => {
    const { log, writer } = await open({ retryMsMax: 15 })
    log.script(...Array.from({ length: 50 }, (): AppendFault => ({ kind: 'refused' })))
    expect(await codeOf(writer.write([one(0, 'a')]))).toBe('log-append-refused')
    await log.close()
  })
})
