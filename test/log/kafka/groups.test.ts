// Groups on a broker: what others see of them, warm standbys, members that die, freeze and come back,
// and what a leave costs.

import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, expect, test } from '@jest/globals'
import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { KafkaLogLimits } from '../../../src/log/kafka/index.ts'
import type { JoinOptions, Log, Member, Membership } from '../../../src/log/port.ts'
import { describeKafka, sharedKafka } from '../../support/kafka.ts'
import { recordingMember, sleep, until } from '../recording-member.ts'
import type { RecordingMember, RecordingOptions } from '../recording-member.ts'
import { withAdmin } from './admin.ts'
import { startProcessMember } from './process-member.ts'
import type { ProcessMember, ProcessMemberOptions } from './process-member.ts'
import { AssignerProtocol } from './reference.ts'

const SESSION_MS = 3_000
const LIMITS: Partial<KafkaLogLimits> = { sessionTimeoutMs: SESSION_MS, commitDelayMs: 20 }
const PARTITIONS = 6
const ALL = Array.from({ length: PARTITIONS }, (_, at) => at)

/** What a member is a standby of now, and what it says that it holds. */
type Copies = { standbys: readonly number[]; warm: number[] }

describeKafka('groups', () => {
  let servers: string
  let topic: string
  let group: string
  const opened: Log[] = []
  const processes: ProcessMember[] = []
  beforeAll(async () => {
    servers = (await sharedKafka()).bootstrapServers
  })
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((each) => each.end()))
    await Promise.all(opened.splice(0).map((each) => each.close()))
  })

  async function open(limits: Partial<KafkaLogLimits> = {}): Promise<Log> {
    const log = await openKafkaLog({
      bootstrapServers: servers,
      limits: { ...LIMITS, ...limits },
      onWarning: () => undefined,
    })
    opened.push(log)
    return log
  }
  async function openWithTopic(limits: Partial<KafkaLogLimits> = {}): Promise<Log> {
    topic = `groups-${randomUUID()}`
    group = `g-${topic}`
    const log = await open(limits)
    await log.provision([{ name: topic, partitions: PARTITIONS, cleanup: 'log' }])
    return log
  }
  async function join(
    log: Log,
    options: RecordingOptions = {},
    more: Partial<JoinOptions> = {},
  ): Promise<[RecordingMember, Membership, Copies]> {
    const copies: Copies = { standbys: [], warm: [] }
    const recorder = recordingMember(options)
    const member: Member = {
      ...recorder,
      standby: (partitions) => {
        expect(recorder.held().filter((each) => partitions.includes(each))).toEqual([])
        copies.standbys = partitions
      },
      holds: () => new Map(copies.warm.map((partition) => [partition, 0])),
    }
    const membership = await log.join({ group, topics: [topic], member, ...more })
    return [recorder, membership, copies]
  }
  async function inProcess(more: Partial<ProcessMemberOptions> = {}): Promise<ProcessMember> {
    const options = { bootstrapServers: servers, limits: LIMITS, group, topic, ...more }
    const member = await startProcessMember(options)
    processes.push(member)
    return member
  }
  const append = async (log: Log, partition: number, count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      await log.append(topic, partition, [{ key: null, value: Buffer.from(`${n}`) }])
    }
  }
  const sorted = (...lists: readonly (readonly number[])[]): number[] =>
    lists.flat().sort((a, b) => a - b)

  test('members, addresses, partitions and standbys are seen by us, and partitions by stock tools', async () => {
    const log = await openWithTopic()
    const more = { standbys: 1 }
    const [first, one] = await join(log, {}, { ...more, address: 'http://a.example:1' })
    await until('all', () => first.held().length === PARTITIONS)
    const [, two, copies] = await join(log, {}, { ...more, address: 'http://b.example:2' })
    await until('standbys', () => copies.standbys.length === PARTITIONS)
    await until('all of it is seen', async () => {
      const seen = await log.members(group)
      const a = seen.find(({ memberId }) => memberId === one.memberId)
      const b = seen.find(({ memberId }) => memberId === two.memberId)
      expect(seen).toHaveLength(2)
      expect(a).toMatchObject({ address: 'http://a.example:1', partitions: ALL, standbys: [] })
      expect(b).toMatchObject({ address: 'http://b.example:2', partitions: [] })
      return sorted(b?.standbys ?? []).length === PARTITIONS
    })
    expect(await log.members(`no-${group}`)).toEqual([])
    const { groups } = await withAdmin(servers, (admin) => admin.describeGroups([group]))
    expect(groups[0]).toMatchObject({ state: 'Stable', protocolType: 'consumer' })
    const rows = new Map(
      groups[0]?.members.map(({ memberId, memberAssignment }) => [
        memberId,
        AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
      ]),
    )
    expect(rows.get(one.memberId)).toEqual({ [topic]: ALL })
    expect(rows.get(two.memberId)).toEqual({ [topic]: [] })
  })

  test('a newcomer is a standby first; what it says it holds becomes its own', async () => {
    const log = await openWithTopic()
    const [first, , firstCopies] = await join(log, {}, { standbys: 1 })
    await until('all', () => first.held().length === PARTITIONS)
    const [second, , copies] = await join(log, {}, { standbys: 1 })
    await until('standbys', () => copies.standbys.length === PARTITIONS)
    await sleep(600)
    expect(second.held()).toEqual([])
    expect(first.calls.map(({ call }) => call)).not.toContain('revoked')
    copies.warm = [...copies.standbys]
    await until('halves', () => first.held().length === 3 && second.held().length === 3)
    await until('the others’ standbys', () => {
      const isFirst = firstCopies.standbys.join() === second.held().join()
      return isFirst && sorted(copies.standbys).join() === first.held().join()
    })
    expect(sorted(first.held(), second.held())).toEqual(ALL)
  })

  test('three members: a standby of each partition, and never its owner', async () => {
    const log = await openWithTopic()
    const all: { member: RecordingMember; copies: Copies; keep: NodeJS.Timeout }[] = []
    for (let n = 0; n < 3; n++) {
      const [member, , copies] = await join(log, {}, { standbys: 1 })
      // whatever they are told to keep they have
      const keep = setInterval(() => (copies.warm = [...copies.standbys]), 50)
      all.push({ member, copies, keep })
      await until('settled', () => sorted(...all.map((each) => each.member.held())).length === PARTITIONS)
    }
    await until('thirds', () => all.every(({ member }) => member.held().length === 2))
    await until('a standby each', () => {
      return sorted(...all.map(({ copies }) => copies.standbys)).join() === ALL.join()
    })
    for (const { member, copies, keep } of all) {
      expect(copies.standbys.filter((each) => member.held().includes(each))).toEqual([])
      clearInterval(keep)
    }
  })

  test('kill -9: its partitions go to their standbys within the session', async () => {
    const log = await openWithTopic()
    const [first, , copies] = await join(log, {}, { standbys: 1 })
    const keep = setInterval(() => (copies.warm = [...copies.standbys]), 50)
    await until('all', () => first.held().length === PARTITIONS)
    const other = await inProcess({ standbys: 1, isWarmAtOnce: true })
    await until('halves', () => first.held().length === 3 && other.held().length === 3)
    const lost = other.held()
    await until('their standby', () => sorted(copies.standbys).join() === lost.join())
    for (const partition of lost) await append(log, partition, 1)
    await until('it has them', () => other.told.filter(({ told }) => told === 'records').length === 3)
    const begun = performance.now()
    other.signal('SIGKILL')
    await until('they are taken over', () => first.held().length === PARTITIONS)
    expect(performance.now() - begun).toBeLessThan(SESSION_MS + 3_000)
    expect(copies.standbys).toEqual([])
    clearInterval(keep)
    for (const partition of lost) await append(log, partition, 1)
    await until('they go on', () => lost.every((each) => first.seen(each).at(-1)?.offset === 1))
  })

  test('a member that was frozen is out: it owns nothing, commits nothing, and comes back', async () => {
    const log = await openWithTopic()
    const frozen = await inProcess({ holdsRecords: true })
    await until('all', () => frozen.held().length === PARTITIONS)
    for (const partition of ALL) await append(log, partition, 1)
    await until('work', () => frozen.told.filter(({ told }) => told === 'records').length === PARTITIONS)
    frozen.signal('SIGSTOP')
    const [member] = await join(log)
    await until('taken over', () => member.held().length === PARTITIONS, 3 * SESSION_MS)
    for (const partition of ALL) await append(log, partition, 2)
    await until('done by another', () => ALL.every((each) => member.seen(each).length === 3))
    await until('committed', async () => (await log.committed(group, topic)).every((at) => at === 3))
    // asked and told while it sleeps: what it does first when it wakes
    frozen.ask({ ask: 'settle' })
    frozen.ask({ ask: 'owns', partition: 0 })
    const before = frozen.told.length
    frozen.signal('SIGCONT')
    const after = () => frozen.told.slice(before)
    await until('it is told that it is out', () => {
      return after().filter(({ told }) => told === 'revoked').length >= PARTITIONS
    })
    await until('it says', () => after().some(({ told }) => told === 'owns'))
    expect(after().find(({ told }) => told === 'owns')).toMatchObject({ partition: 0, owns: false })
    await until('it is back', () => frozen.held().length === 3 && member.held().length === 3)
    await sleep(300)
    expect(await log.committed(group, topic)).toEqual(ALL.map(() => 3))
    // what was committed by the other is not done again once it is back
    const back = after().slice(after().findLastIndex(({ told }) => told === 'revoked'))
    expect(back.filter(({ told }) => told === 'records')).toEqual([])
  })

  test('members in one program do not wait for each other’s work', async () => {
    const log = await openWithTopic({ drainTimeoutMs: 4_000 })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const [slow] = await join(log, { onRecords: ({ partition }) => (partition === 5 ? held : Promise.resolve()) })
    await until('all', () => slow.held().length === PARTITIONS)
    await append(log, 5, 1)
    await until('at work', () => slow.seen(5).length === 1)
    const [quick] = await join(log)
    await until('what is idle moves', () => quick.held().length + slow.held().length >= 4)
    await append(log, 0, 3)
    await until('others go on', () => slow.seen(0).length + quick.seen(0).length === 3, 2_000)
    release()
    await until('halves', () => slow.held().length === 3 && quick.held().length === 3)
    await until('all is committed', async () => (await log.committed(group, topic))[5] === 1)
  })

  test('a leave does not wait for members that drain', async () => {
    const log = await openWithTopic({ drainTimeoutMs: 6_000 })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const [slow] = await join(log, { onRevoked: () => held })
    await until('all', () => slow.held().length === PARTITIONS)
    const [, second] = await join(log)
    await until('it gives up', () => slow.calls.some(({ call }) => call === 'revoked'))
    // a third makes the group gather again, which the slow one does not join before it has drained
    const third = join(log).catch(() => undefined)
    await sleep(1_000)
    const begun = performance.now()
    await second.leave()
    expect(performance.now() - begun).toBeLessThan(1_500)
    release()
    await third
  })

  test('who has left keeps no connections', async () => {
    const log = await openWithTopic()
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((each) => each.startsWith('TCPSocket')).length
    const [member, membership] = await join(log)
    await until('all', () => member.held().length === PARTITIONS)
    await membership.leave()
    const before = sockets()
    for (let n = 0; n < 4; n++) {
      const [each, joined] = await join(log)
      await until('all', () => each.held().length === PARTITIONS)
      await joined.leave()
    }
    await until('they are closed', () => sockets() <= before + 1, 3_000)
  })
})
