// Conformance of the log port: groups: assignment, delivery, commits, redelivery, change-over,
// halts.

import { expect, test } from '@jest/globals'
import type { Batch, Log } from '../../src/log/port.ts'
import type { Subject } from './conformance.ts'
import { record, texts } from './conformance-partitions.ts'
import { recordingMember, sleep, until, type RecordingMember } from './recording-member.ts'

const PARTITIONS = 6

export function groupConformance(subject: Subject): void {
  deliveryCases(subject)
  commitCases(subject)
  rebalanceCases(subject)
  fencingCases(subject)
  haltCases(subject)
}

async function provisioned(subject: Subject, partitions = PARTITIONS): Promise<[Log, string]> {
  const { log } = subject.current()
  const name = subject.topic()
  await log.provision([{ name, partitions, cleanup: 'log' }])
  return [log, name]
}

function joinAs(log: Log, topic: string, member: RecordingMember, group = 'g') {
  return log.join({ group, topics: [topic], member })
}

function deliveryCases(subject: Subject): void {
  test('L4 L5: one member gets every partition, and its records in order', async () => {
    const [log, topic] = await provisioned(subject)
    for (let n = 0; n < 30; n++) await log.append(topic, n % 3, [record('k', `${n}`)])
    const member = recordingMember()
    const membership = await joinAs(log, topic, member)
    await until('the early records', () => [0, 1, 2].every((p) => member.seen(p).length === 10))
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => log.append(topic, 3 + (n % 3), [record('k', `${n}`)])),
    )
    await until('the late records', () => [3, 4, 5].every((p) => member.seen(p).length === 10))
    for (let p = 0; p < PARTITIONS; p++) {
      expect(member.seen(p).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(await membership.owns(p)).toBe(true)
    }
    expect(texts(member.seen(1))).toEqual([1, 4, 7, 10, 13, 16, 19, 22, 25, 28].map(String))
    await membership.leave()
    expect(member.held()).toEqual([])
    expect(await membership.owns(0)).toBe(false)
  })

  test('`assigned` comes after join resolved, and before records', async () => {
    const [log, topic] = await provisioned(subject, 1)
    await log.append(topic, 0, [record('k', 'v')])
    let joined = false
    const member = recordingMember({
      onAssigned: async () => {
        expect(joined).toBe(true)
        await sleep(20)
      },
    })
    const membership = await joinAs(log, topic, member)
    joined = true
    await until('the record', () => member.seen(0).length === 1)
    expect(member.calls.map(({ call }) => call)).toEqual(['assigned', 'records'])
    expect(member.calls[0]).toMatchObject({ committed: { [topic]: undefined } })
    await membership.leave()
  })

  test('batches keep to their limits, and at most `inFlight` are outstanding', async () => {
    const [log, topic] = await provisioned(subject, 1)
    const batch = Array.from({ length: 100 }, (_, n) => record('k', `${n}`.padEnd(100)))
    await log.append(topic, 0, batch)
    let outstanding = 0
    let most = 0
    const member = recordingMember({
      onRecords: async () => {
        most = Math.max(most, ++outstanding)
        await sleep(2)
        outstanding--
      },
    })
    const options = { inFlight: 3, batchRecordsMax: 9, batchBytesMax: 650 }
    const membership = await log.join({ group: 'g', topics: [topic], member, ...options })
    await until('all records', () => member.seen(0).length === 100)
    expect(most).toBe(3)
    let next = 0
    for (const call of member.calls) {
      if (call.call !== 'records') continue
      expect(call.batch.records.length).toBeLessThanOrEqual(6)
      expect(call.batch.records.length).toBeGreaterThan(0)
      expect(call.batch.records[0]?.offset).toBe(next)
      next = call.batch.next
    }
    expect(next).toBe(100)
    await membership.leave()
  })

  test('co-partitioned topics go to one member together', async () => {
    const { log } = subject.current()
    const topics = [subject.topic('a'), subject.topic('b')]
    await log.provision(topics.map((name) => ({ name, partitions: 4, cleanup: 'log' as const })))
    const members = [recordingMember(), recordingMember()]
    const memberships = []
    for (const member of members) memberships.push(await log.join({ group: 'g', topics, member }))
    await until('two halves', () => members.every((member) => member.held().length === 2))
    for (const topic of topics) {
      for (let p = 0; p < 4; p++) await log.append(topic, p, [record('k', topic)])
    }
    await until('all', () =>
      members.every((m) => m.held().every((p) => m.seen(p).length === topics.length)),
    )
    for (const membership of memberships) await membership.leave()
  })
}

function commitCases(subject: Subject): void {
  test('L5: only a contiguous prefix of settled batches is committed', async () => {
    const [log, topic] = await provisioned(subject, 1)
    for (let n = 0; n < 4; n++) await log.append(topic, 0, [record('k', `${n}`)])
    const release: (() => void)[] = []
    const member = recordingMember({
      onRecords: () => new Promise<void>((resolve) => void release.push(resolve)),
    })
    const options = { inFlight: 4, batchRecordsMax: 1 }
    const membership = await log.join({ group: 'g', topics: [topic], member, ...options })
    await until('four outstanding', () => release.length === 4)
    release[1]?.()
    release[3]?.()
    await sleep(50)
    expect((await log.committed('g', topic))[0] ?? 0).toBe(0)
    release[0]?.()
    await until('two committed', async () => (await log.committed('g', topic))[0] === 2)
    release[2]?.()
    await membership.leave()
    expect(await log.committed('g', topic)).toEqual([4])
    expect(await log.committed('another', topic)).toEqual([undefined])
  })

  test('a group goes on where it committed, and another begins at its own start', async () => {
    const [log, topic] = await provisioned(subject, 1)
    await log.append(topic, 0, [0, 1, 2].map((n) => record('k', `${n}`)))
    const first = recordingMember()
    const membership = await joinAs(log, topic, first)
    await until('three', () => first.seen(0).length === 3)
    await membership.leave()
    await log.append(topic, 0, [3, 4].map((n) => record('k', `${n}`)))
    const second = recordingMember()
    const next = await joinAs(log, topic, second)
    await until('two', () => second.seen(0).length === 2)
    expect(texts(second.seen(0))).toEqual(['3', '4'])
    expect(second.calls[0]).toMatchObject({ committed: { [topic]: 3 } })
    await next.leave()
    const other = recordingMember({ start: 1 })
    const another = await joinAs(log, topic, other, 'h')
    await until('four', () => other.seen(0).length === 4)
    await another.leave()
  })

  test('a start beyond the committed position is committed, no record needed', async () => {
    const [log, topic] = await provisioned(subject, 1)
    await log.append(topic, 0, [0, 1, 2].map((n) => record('k', `${n}`)))
    const ahead = recordingMember({ start: 3 })
    const first = await joinAs(log, topic, ahead)
    await until('the start', async () => (await log.committed('g', topic))[0] === 3)
    await first.leave()
    expect(ahead.seen(0)).toEqual([])
    const onRecords = (): Promise<void> => Promise.reject(new Error('not yet'))
    const behind = recordingMember({ onRecords })
    const assigned = () => Promise.resolve({ [topic]: 1 })
    const again = await log.join({ group: 'g', topics: [topic], member: { ...behind, assigned } })
    await until('the two before', () => behind.seen(0).length === 2)
    await again.leave()
    expect(await log.committed('g', topic)).toEqual([3])
    const beyond = recordingMember({ start: 4 })
    const another = await joinAs(log, topic, beyond, 'h')
    await until('the halt', () => beyond.calls.some(({ call }) => call === 'halted'))
    await another.leave()
    expect(await log.committed('h', topic)).toEqual([undefined])
  })

  test('what was delivered but never settled is delivered again', async () => {
    const [log, topic] = await provisioned(subject, 1)
    await log.append(topic, 0, [0, 1, 2, 3].map((n) => record('k', `${n}`)))
    const onRecords = async (batch: Batch): Promise<void> => {
      if (batch.records[0]!.offset >= 2) throw new Error('crashed')
    }
    const crashed = recordingMember({ onRecords })
    const options = { inFlight: 1, batchRecordsMax: 1 }
    const membership = await log.join({ group: 'g', topics: [topic], member: crashed, ...options })
    await until('the crash', () => crashed.calls.some(({ call }) => call === 'halted'))
    await membership.leave()
    const member = recordingMember()
    const again = await joinAs(log, topic, member)
    await until('the rest', () => member.seen(0).length === 2)
    expect(texts(member.seen(0))).toEqual(['2', '3'])
    await again.leave()
  })

  test('committed positions are there after reopening', async () => {
    const { reopen } = subject.current()
    if (reopen === undefined) return
    const [log, topic] = await provisioned(subject, 2)
    await log.append(topic, 1, [0, 1, 2].map((n) => record('k', `${n}`)))
    const member = recordingMember()
    const membership = await joinAs(log, topic, member)
    await until('three', () => member.seen(1).length === 3)
    const generation = membership.generation()
    await membership.leave()
    const again = await reopen()
    expect(await again.committed('g', topic)).toEqual([undefined, 3])
    await again.append(topic, 1, [record('k', 'later')])
    const second = recordingMember()
    const next = await joinAs(again, topic, second)
    await until('the later one', () => second.seen(1).length === 1)
    expect(texts(second.seen(1))).toEqual(['later'])
    expect(next.generation()).toBeGreaterThan(generation)
    expect(next.memberId).not.toBe(membership.memberId)
    await next.leave()
  })
}

function rebalanceCases(subject: Subject): void {
  test('L4: joins and leaves rebalance: balanced, revoked before assigned', async () => {
    const [log, topic] = await provisioned(subject)
    const order: string[] = []
    const named = (name: string): RecordingMember =>
      recordingMember({
        onAssigned: async (partition) => void order.push(`+${name}${partition}`),
        onRevoked: async (partition) => {
          await sleep(3)
          order.push(`-${name}${partition}`)
        },
      })
    const [a, b, c] = [named('a'), named('b'), named('c')]
    const inA = await joinAs(log, topic, a)
    await until('a has all', () => a.held().length === PARTITIONS)
    const before = inA.generation()
    const inB = await joinAs(log, topic, b)
    await until('halves', () => a.held().length === 3 && b.held().length === 3)
    expect(inA.generation()).toBeGreaterThan(before)
    expect(inB.generation()).toBe(inA.generation())
    const inC = await joinAs(log, topic, c)
    await until('thirds', () => [a, b, c].every((member) => member.held().length === 2))
    for (let n = 0; n < 60; n++) await log.append(topic, n % PARTITIONS, [record('k', `${n}`)])
    await inB.leave()
    expect(b.held()).toEqual([])
    await until('halves again', () => a.held().length === 3 && c.held().length === 3)
    await inA.leave()
    await until('c has all', () => c.held().length === PARTITIONS)
    const everything = (): Set<string | null> =>
      new Set([a, b, c].flatMap((m) => [0, 1, 2, 3, 4, 5].flatMap((p) => texts(m.seen(p)))))
    await until('all 60', () => everything().size === 60)
    await inC.leave()
    const holder = new Map<string, string>()
    for (const step of order) {
      const [sign, name, partition] = [step[0], step[1]!, step.slice(2)]
      if (sign === '+') {
        expect(holder.get(partition)).toBeUndefined()
        holder.set(partition, name)
      } else {
        expect(holder.get(partition)).toBe(name)
        holder.delete(partition)
      }
    }
    expect(holder.size).toBe(0)
  })

  test('members of one group must read the same topics', async () => {
    const [log, topic] = await provisioned(subject)
    await log.provision([{ name: subject.topic('b'), partitions: 2, cleanup: 'log' }])
    const membership = await joinAs(log, topic, recordingMember())
    const code = 'log-group-mismatch'
    await expect(joinAs(log, subject.topic('b'), recordingMember())).rejects.toMatchObject({ code })
    const topics = [topic, subject.topic('b')]
    const member = recordingMember()
    await expect(log.join({ group: 'h', topics, member })).rejects.toMatchObject({ code })
    await membership.leave()
  })
}

function fencingCases(subject: Subject): void {
  test('calls of one partition do not overlap; leave waits for what is outstanding', async () => {
    const [log, topic] = await provisioned(subject, 1)
    await log.append(topic, 0, [record('k', 'v')])
    let release: (() => void) | undefined
    const member = recordingMember({
      onRecords: () => new Promise<void>((resolve) => void (release = resolve)),
    })
    const membership = await joinAs(log, topic, member)
    await until('the delivery', () => release !== undefined)
    let left = false
    const leaving = membership.leave().then(() => (left = true))
    await sleep(30)
    expect(left).toBe(false)
    expect(await membership.owns(0)).toBe(true)
    expect(member.calls.map(({ call }) => call)).toEqual(['assigned', 'records'])
    release?.()
    await leaving
    expect(member.calls.map(({ call }) => call)).toEqual(['assigned', 'records', 'revoked'])
    expect(await log.committed('g', topic)).toEqual([1])
    expect(await membership.owns(0)).toBe(false)
  })
}

function haltCases(subject: Subject): void {
  test('a throwing `records` halts its partition only', async () => {
    const [log, topic] = await provisioned(subject, 2)
    const member = recordingMember({
      onRecords: async ({ partition }) => {
        if (partition === 0) throw new Error('broken')
      },
    })
    const membership = await joinAs(log, topic, member)
    await log.append(topic, 0, [record('k', 'bad')])
    await until('the halt', () => member.calls.some(({ call }) => call === 'halted'))
    await log.append(topic, 0, [record('k', 'more')])
    for (let n = 0; n < 5; n++) await log.append(topic, 1, [record('k', `${n}`)])
    await until('the other partition', () => member.seen(1).length === 5)
    expect(texts(member.seen(0))).toEqual(['bad'])
    const halts = member.calls.filter(({ call }) => call === 'halted')
    expect(halts).toMatchObject([{ partition: 0, error: { message: 'broken' } }])
    await membership.leave()
    expect(await log.committed('g', topic)).toEqual([undefined, 5])
  })

  test('a throwing `assigned`, and L6: a start out of range, halt the partition', async () => {
    const [log, topic] = await provisioned(subject, 2)
    await log.append(topic, 0, [record('k', 'v')])
    await log.append(topic, 1, [record('k', 'v')])
    const member = recordingMember({
      start: 5,
      onAssigned: async (partition) => {
        if (partition === 0) throw new Error('no state')
      },
    })
    const membership = await joinAs(log, topic, member)
    const halts = () => member.calls.filter(({ call }) => call === 'halted')
    await until('two halts', () => halts().length === 2)
    const errors = halts().sort((a, b) => a.partition - b.partition)
    expect(errors).toMatchObject([
      { error: { message: 'no state' } },
      { error: { code: 'log-position-out-of-range' } },
    ])
    expect(member.seen(0)).toEqual([])
    expect(member.seen(1)).toEqual([])
    await membership.leave()
  })
}
