// A channel alone: the order and the bounds of its appends, and when it stands still.

import { describe, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log } from '../../src/log/port.ts'
import { passing } from '../../src/log/passing/index.ts'
import { relayedRecord } from '../../src/protocol/codec/records.ts'
import { topicSpecs } from '../../src/protocol/topics.ts'
import { Channel } from '../../src/relayer/channel.ts'
import type { Relay } from '../../src/relayer/core.ts'
import { noRelayerFigures, RELAYER_LIMITS } from '../../src/relayer/ports.ts'
import type { RelayerLimits } from '../../src/relayer/ports.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { faultyLog } from '../log/faulty-log.ts'
import { RECORDS, TOPICS } from '../node/rig.ts'
import { idOf, makeContent } from '../protocol/fixtures.ts'

const TARGET = 1
const STALL_MS = 100

function relays(from: number, to: number, data = ''): Relay[] {
  return Array.from({ length: to - from + 1 }, (_, at): Relay => {
    const origin = { partition: 0, height: from + at, index: 0, seq: from + at }
    const content = { ...makeContent({ target: idOf('t'), data: Buffer.from(data) }), ...origin }
    const record = relayedRecord(idOf('source'), origin, content)
    return { target: TARGET, process: idOf('t'), record }
  })
}

/** `append`: wraps the appends to ingress. */
async function open(
  changed: Partial<RelayerLimits> = {},
  append: (log: Log) => Log['append'] = (log) => log.append,
) {
  const memory = createMemoryLog()
  await memory.provision(topicSpecs(TOPICS, 2))
  const sizes: number[] = []
  const seqs: number[] = []
  const counted: Log = {
    ...passing(memory),
    append: async (topic, partition, records) => {
      const base = await memory.append(topic, partition, records)
      sizes.push(records.length)
      for (const { value } of records) {
        const wire = RECORDS.decodeIngress(asBuffer(value as Uint8Array))
        if (wire.type === 'relayed') seqs.push(wire.relayed.seq)
      }
      return base
    },
  }
  let now = 1_000
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const limits = { ...RELAYER_LIMITS, stallMs: STALL_MS, ...changed }
  const figures = noRelayerFigures()
  const log = { ...passing(counted), append: append(counted) }
  const shared = { log, clock, records: RECORDS, topics: TOPICS, limits, figures }
  const stop = new AbortController()
  const channel = new Channel(shared, TARGET, stop.signal)
  return { channel, figures, sizes, seqs, stop, pass: (ms: number) => void (now += ms) }
}

describe('a channel', () => {
  test('one append is in flight, and none is larger than its bounds', async () => {
    let inFlight = 0
    let most = 0
    const { channel, figures, sizes, seqs } = await open(
      { appendRecordsMax: 3, appendBytesMax: 1_000 },
      (log) => async (...args) => {
        most = Math.max(most, (inFlight += 1))
        await new Promise((resolve) => setImmediate(resolve))
        inFlight -= 1
        return log.append(...args)
      },
    )
    await Promise.all([
      channel.send(relays(1, 5)),
      channel.send(relays(6, 7, 'x'.repeat(600))),
      channel.send(relays(8, 8)),
    ])
    expect(most).toBe(1)
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(sizes).toEqual([3, 2, 1, 1, 1])
    expect(figures).toMatchObject({ appends: 5, relayed: 8, resent: 0 })
  })

  test('what is refused goes before what is behind it, until all is given up', async () => {
    let faulty: ReturnType<typeof faultyLog> | undefined
    const { channel, seqs, stop } = await open({}, (log) => {
      faulty = faultyLog(log)
      return faulty.append
    })
    faulty?.script({ kind: 'refused' }, { kind: 'unclear', written: false }, { kind: 'refused' })
    await Promise.all([channel.send(relays(1, 2)), channel.send(relays(3, 4))])
    expect(seqs).toEqual([1, 2, 3, 4])
    stop.abort()
    faulty?.script({ kind: 'refused' })
    await expect(channel.send(relays(5, 5))).rejects.toMatchObject({ code: 'partition-lost' })
    await channel.drained()
    expect(seqs).toEqual([1, 2, 3, 4])
  })

  test('stands where it lacks something and did not move for so long', async () => {
    const { channel, figures, seqs, pass } = await open()
    pass(STALL_MS)
    expect(channel.stands()).toBe(false)
    await channel.send(relays(1, 4))
    pass(STALL_MS - 1)
    expect(channel.stands()).toBe(false)
    channel.wasSettled(2)
    pass(STALL_MS)
    expect([2, 3, 4, 5].filter((seq) => channel.lacks(seq))).toEqual([3, 4])
    expect(channel.stands()).toBe(true)
    // an older head is no movement
    channel.wasSettled(1)
    expect(channel.stands()).toBe(true)
    await channel.sendAgain(relays(3, 4))
    expect(seqs).toEqual([1, 2, 3, 4, 3, 4])
    expect(figures.resent).toBe(2)
    expect(channel.stands()).toBe(false)
    pass(STALL_MS)
    expect(channel.stands()).toBe(true)
    channel.wasSettled(4)
    pass(STALL_MS)
    expect(channel.stands()).toBe(false)
    channel.wasSent(6)
    expect(channel.stands()).toBe(true)
  })
})
