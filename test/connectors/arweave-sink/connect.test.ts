// A worker of connectors through its REST: what fails and mends, what fails for good and begins
// again, what is refused.

import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import type { Config } from '../../../connectors/arweave-sink/index.ts'
import type { Archive } from '../../../src/archive/port.ts'
import { openFileArchive } from '../../../src/archive/file/index.ts'
import { verifyPartition } from '../../../src/archive/follow.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { HbError } from '../../../src/std/errors.ts'
import { parseExposition } from '../../node/metrics-rig.ts'
import { ConnectRig, type Status } from './connect-rig.ts'

const NAME = '/connectors/arweave-sink'
const rigs: ConnectRig[] = []
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close()
})

async function rigOf(counts: readonly number[], more?: Config): Promise<ConnectRig> {
  const rig = await ConnectRig.open(counts)
  rigs.push(rig)
  if (more !== undefined) await made(rig, more)
  return rig
}

async function made(rig: ConnectRig, more: Config = {}): Promise<void> {
  const { name, ...config } = rig.config(more)
  expect(await rig.ask('POST', '/connectors', { name, config })).toMatchObject({ status: 201 })
}

/** An archive whose posts fail, but for the first few. */
function failing(full: { yes: boolean; first: number }): (archive: Archive) => Archive {
  return (archive) => ({
    address: archive.address,
    signItem: (fields) => archive.signItem(fields),
    prepare: (upload) => archive.prepare(upload),
    find: (tags) => archive.find(tags),
    read: (id) => archive.read(id),
    describe: () => archive.describe(),
    close: () => archive.close(),
    async post(prepared, durability) {
      if (full.yes && full.first-- <= 0) throw new HbError('archive-write-failed', 'no space left')
      await archive.post(prepared, durability)
    },
  })
}

async function heights(rig: ConnectRig): Promise<number[]> {
  const archive = openFileArchive({ dir: join(rig.dir, 'archive') })
  const { network, planted } = rig.sink
  const read = planted.map((_, partition) => verifyPartition({ archive, network }, partition))
  return (await Promise.all(read)).map(({ height }) => height)
}

async function metric(rig: ConnectRig, sample: string): Promise<number | undefined> {
  const families = parseExposition((await rig.ask('GET', '/metrics')).text)
  for (const { samples } of families.values()) {
    const value = samples.get(sample)
    if (value !== undefined) return value
  }
  return undefined
}

async function traced(rig: ConnectRig, ...states: string[]): Promise<string> {
  for (let tried = 0; ; tried++) {
    const { body } = await rig.states(...states)
    const trace = (body as Status).tasks[0]?.trace
    if (trace !== undefined || tried > 500) return trace ?? ''
    await systemClock.sleep(5)
  }
}

test('a full archive shows in the status, and what waited is written when it has room', async () => {
  const rig = await rigOf([12, 5])
  const full = { yes: true, first: 1 }
  rig.archiveAs = failing(full)
  await made(rig)
  expect(await traced(rig, 'RUNNING', 'RUNNING')).toMatch(
    /^partition [01]: archive-write-failed: writing to the archive failed: no space left\n\tLook at its disk/,
  )
  expect(await heights(rig)).toEqual([-1, -1])
  full.yes = false
  await rig.sink.caughtUp()
  expect(await heights(rig)).toEqual([11, 4])
  expect((await rig.states('RUNNING', 'RUNNING')).text).not.toContain('trace')
  const retries = rig.reports.filter(({ event }) => event === 'sink-retried')
  expect(retries.length).toBeGreaterThan(0)
  const { partition } = retries[0]!.fields
  const labels = `connector="arweave-sink",partition="${String(partition)}",code="archive-write-failed"`
  const own = retries.filter(({ fields }) => fields['partition'] === partition)
  expect(await metric(rig, `hb_sink_retries_total{${labels}}`)).toBe(own.length)
})

test('with a time limit the task is FAILED with its trace, and a restart goes on', async () => {
  const rig = await rigOf([12])
  const full = { yes: true, first: 1 }
  rig.archiveAs = failing(full)
  await made(rig, { 'errors.retry.timeout': '0' })
  expect(await traced(rig, 'RUNNING', 'FAILED')).toContain('no space left')
  expect(await metric(rig, 'hb_sink_task_state{connector="arweave-sink",task="0",state="FAILED"}')).toBe(1)
  expect(rig.reports.map(({ level, event }) => `${level} ${event}`)).toContain('error task-failed')
  // it fails again as long as nothing is mended
  const again = await rig.ask('POST', `${NAME}/restart?includeTasks=true&onlyFailed=true`)
  expect(again).toMatchObject({ status: 202, body: { connector: { state: 'RUNNING' }, tasks: [{ state: 'RESTARTING' }] } })
  await rig.states('RUNNING', 'FAILED')
  full.yes = false
  expect(await rig.ask('POST', `${NAME}/tasks/0/restart`)).toMatchObject({ status: 204 })
  await rig.states('RUNNING', 'RUNNING')
  await rig.sink.caughtUp()
  expect(await heights(rig)).toEqual([11])
})

test('before it is a member it waits for the archive, with a trace, and can be stopped', async () => {
  const rig = await rigOf([12])
  rig.archiveAs = failing({ yes: true, first: 0 })
  await made(rig)
  expect(await traced(rig, 'RUNNING', 'UNASSIGNED')).toContain('no space left')
  expect(await rig.ask('PUT', `${NAME}/stop`)).toMatchObject({ status: 204 })
  await rig.states('STOPPED')
  expect(await rig.sink.log.members('connect-arweave-sink')).toEqual([])
})

test('a connector that cannot be opened is FAILED, and a restart opens it', async () => {
  const rig = await rigOf([5])
  const [wallet, aside] = [join(rig.dir, 'wallet.json'), join(rig.dir, 'aside.json')]
  await rename(wallet, aside)
  await made(rig)
  const { text } = await rig.states('FAILED')
  expect(text).toContain(`file-unreadable: a file cannot be read or written: ${wallet}`)
  // and of a wallet that is none nothing is shown but that
  await writeFile(wallet, '{"d": "q8hS3cret"')
  await rig.ask('POST', `${NAME}/restart`)
  for (let tried = 0; tried < 500; tried++) {
    const { text: after } = await rig.ask('GET', `${NAME}/status`)
    expect(after).not.toContain('S3cret')
    if (after.includes('wallet-malformed')) break
    await systemClock.sleep(5)
  }
  expect((await rig.states('FAILED')).text).toContain('wallet-malformed')
  expect(JSON.stringify(rig.reports)).not.toContain('S3cret')
  await rename(aside, wallet)
  expect(await rig.ask('POST', `${NAME}/restart`)).toMatchObject({ status: 204 })
  await rig.states('RUNNING', 'RUNNING')
  await rig.sink.caughtUp()
})

test('paused it keeps its partitions and writes nothing; stopped it has left its group', async () => {
  const rig = await rigOf([5, 5], { 'tasks.max': '8' })
  await rig.states('RUNNING', 'RUNNING', 'RUNNING')
  await rig.sink.caughtUp()
  expect(await rig.ask('PUT', `${NAME}/pause`)).toMatchObject({ status: 202, text: '' })
  await rig.states('PAUSED', 'PAUSED', 'PAUSED')
  const before = await heights(rig)
  const more = rig.sink.planted[0]!.entries.length
  await rig.sink.more(0, 3)
  await systemClock.sleep(60)
  expect(await heights(rig)).toEqual(before)
  const members = await rig.sink.log.members('connect-arweave-sink')
  expect(members.map(({ partitions }) => partitions).flat().sort()).toEqual([0, 1])
  const lag = 'kafka_consumergroup_lag{consumergroup="connect-arweave-sink",topic="hb.log",partition="0"}'
  expect(await metric(rig, lag)).toBe(3)
  expect(await rig.ask('PUT', `${NAME}/resume`)).toMatchObject({ status: 202 })
  await rig.sink.caughtUp()
  expect(await heights(rig)).toEqual([more + 2, 4])
  expect(await metric(rig, lag)).toBe(0)
  await rig.ask('PUT', `${NAME}/stop`)
  expect(await rig.sink.log.members('connect-arweave-sink')).toEqual([])
  await rig.ask('PUT', `${NAME}/resume`)
  await rig.states('RUNNING', 'RUNNING', 'RUNNING')
})

test('a record that is no entry fails the task where errors.tolerance is none', async () => {
  const rig = await rigOf([12], { 'errors.tolerance': 'none' })
  const { text } = await rig.states('RUNNING', 'FAILED')
  expect(text).toContain('partition 0: log-record-poison: ')
  expect(await rig.ask('POST', `${NAME}/tasks/0/restart`)).toMatchObject({ status: 204 })
  await rig.states('RUNNING', 'FAILED')
  expect(await rig.ask('PATCH', `${NAME}/config`, { 'errors.tolerance': null })).toMatchObject({ status: 200 })
  await rig.sink.caughtUp()
  expect(await heights(rig)).toEqual([11])
})

test('with all they are passed over, and once each on the dead letter queue, with their reason', async () => {
  const rig = await rigOf([12, 5], {
    'errors.deadletterqueue.topic.name': 'letters',
    'errors.deadletterqueue.context.headers.enable': 'true',
    'errors.log.enable': 'true',
  })
  await rig.sink.caughtUp()
  const { records } = await rig.sink.log.read('letters', 0, 0)
  const wanted = rig.sink.planted.flatMap(({ records: planted }, partition) =>
    planted.flatMap(({ value }, offset) =>
      Buffer.from(value ?? '').toString() === 'junk' ? [`${partition} ${offset}`] : [],
    ),
  )
  expect(wanted.length).toBeGreaterThan(1)
  const prefix = '__connect.errors.'
  const seen = records.map(({ headers = {} }) => {
    return `${headers[`${prefix}partition`]} ${headers[`${prefix}offset`]}`
  })
  expect(seen.sort()).toEqual(wanted.sort())
  expect(records[0]).toMatchObject({ key: null, value: Buffer.from('junk') })
  expect({ ...records[0]?.headers }).toMatchObject({
    [`${prefix}topic`]: 'hb.log',
    [`${prefix}connector.name`]: 'arweave-sink',
    [`${prefix}task.id`]: '0',
    [`${prefix}stage`]: 'VALUE_CONVERTER',
    [`${prefix}class.name`]: 'hollowbeam.connectors.ArweaveSinkConnector',
    [`${prefix}exception.class.name`]: 'record-malformed',
    [`${prefix}exception.message`]: expect.stringContaining('hb.log-'),
  })
  expect(rig.reports.filter(({ event }) => event === 'record-poison')).toHaveLength(wanted.length)
})

test('what is refused is refused as Connect does', async () => {
  const rig = await rigOf([1])
  await made(rig)
  const { name, ...config } = rig.config()
  const refused: [status: number, method: string, path: string, body?: unknown][] = [
    [409, 'POST', '/connectors', { name, config }],
    [400, 'POST', '/connectors', { name: 'other', config: { ...config, 'pending.dir': join(rig.dir, 'connect', 'arweave-sink') } }],
    [400, 'POST', '/connectors', { name: 'other', config: { ...config, name: 'another' } }],
    [400, 'POST', '/connectors', { name: 'other', config, initial_state: 'ASLEEP' }],
    [400, 'POST', '/connectors', '{"name":'],
    [400, 'PUT', `${NAME}/config`, { ...config, 'tasks.max': {} }],
    [400, 'PUT', '/connector-plugins/ArweaveSink/config/validate', { name }],
    [400, 'PUT', '/connector-plugins/ArweaveSink/config/validate', { 'connector.class': 'FileStreamSink' }],
    [404, 'PUT', '/connector-plugins/FileStreamSink/config/validate', {}],
    [404, 'GET', '/connectors/none'],
    [404, 'GET', '/connectors/none/status'],
    [404, 'PUT', '/connectors/none/pause'],
    [404, 'POST', '/connectors/none/restart'],
    [404, 'GET', `${NAME}/tasks/7/status`],
    [404, 'POST', `${NAME}/tasks/7/restart`],
    [404, 'GET', '/nothing'],
    [405, 'DELETE', '/connectors'],
    [400, 'PATCH', `${NAME}/offsets`, { offsets: [] }],
    [400, 'PATCH', `${NAME}/offsets`, { offsets: [{ partition: { kafka_topic: 'hb.log' } }] }],
    [400, 'PATCH', `${NAME}/offsets`, { offsets: [{ partition: { kafka_topic: 'hb.log', kafka_partition: '0' }, offset: {} }] }],
  ]
  for (const [status, method, path, body] of refused) {
    const answer = await rig.ask(method, path, body)
    expect([method, path, answer]).toEqual([method, path, expect.objectContaining({ status })])
    expect(answer.body).toEqual({ error_code: status, message: expect.stringMatching(/../) })
  }
  const response = await fetch(`${rig.url}/connectors`, { method: 'POST', body: 'name=x' })
  expect([response.status, await response.json()]).toMatchObject([415, { error_code: 415 }])
  expect((await rig.ask('GET', '/connectors')).body).toEqual(['arweave-sink'])
})

test('connectors of files run from the start, and none where one is wrong', async () => {
  const rig = await rigOf([5])
  await rig.stop()
  await expect(rig.start([rig.config(), rig.config({ name: 'b', archive: 'x' })])).rejects.toMatchObject({
    code: 'connector-config-invalid',
    detail: expect.stringContaining('b: Connector configuration is invalid'),
  })
  await rig.start([rig.config()])
  await rig.states('RUNNING', 'RUNNING')
  expect((await rig.ask('GET', '/health')).body).toMatchObject({ status: 'healthy' })
})
