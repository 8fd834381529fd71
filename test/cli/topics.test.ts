// hb topics on brokers, which here are a memory log; test/kafka/topics.test.ts has real ones.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log } from '../../src/log/port.ts'
import { passing } from '../../src/log/passing/index.ts'
import { hb } from './terminal-double.ts'

let log: Log
beforeEach(() => void (log = createMemoryLog()))
afterEach(() => log.close())

async function topics(...args: string[]) {
  const close = (): Promise<void> => Promise.resolve()
  const open = () => Promise.resolve({ ...passing(log), close })
  const brokers = ['--bootstrap-server', 'kafka:9092', '--application-id', 'app']
  const ran = await hb(['topics', ...args, ...brokers, '--json'], {}, undefined, open)
  return { ...ran, json: JSON.parse(ran.out[0] ?? '{}') as Record<string, unknown> }
}

const NAMES = ['ingress', 'log', 'outbox', 'snapshots', 'modules', 'registry', 'deadletters']

test('are made once, with the genesis; then they pass the check and can be described', async () => {
  const missing = await topics('check')
  expect(missing).toMatchObject({ code: 1, json: { ok: false } })
  const rows = missing.json['topics'] as { topic: string; code: string }[]
  expect(rows.map(({ topic, code }) => [topic, code])).toEqual(
    NAMES.map((name) => [`app.${name}`, 'log-topic-unknown']),
  )
  // the check made nothing
  expect(await topics('check')).toMatchObject({ json: missing.json })

  const made = await topics('create', '--partitions', '3')
  expect(made).toMatchObject({ code: 0, json: { ok: true } })
  expect((await topics('create')).json).toEqual(made.json)
  expect(await topics('check')).toMatchObject({ code: 0, json: { ok: true } })

  await log.append('app.ingress', 2, [{ key: 'k', value: Buffer.from('v') }])
  const { json } = await topics('describe')
  const described = json['partitions'] as { topic: string; partition: number }[]
  const row = described.find(({ topic, partition }) => topic === 'app.ingress' && partition === 2)
  expect(row).toEqual({
    ...{ topic: 'app.ingress', partition: 2, start: 0, end: 1 },
    ...{ group: 'app.sequencer', committed: null, lag: 1 },
  })
  expect(described.filter(({ topic }) => topic === 'app.modules')).toHaveLength(1)
})

test('another network, or a topic of another shape, is said', async () => {
  await topics('create', '--partitions', '3')
  const other = await topics('create', '--partitions', '4')
  expect(other).toMatchObject({ code: 1, json: { error: { code: 'genesis-mismatch' } } })
  await log.close()
  log = createMemoryLog()
  await log.provision([
    { name: 'app.ingress', partitions: 3, cleanup: 'log' },
    { name: 'app.log', partitions: 2, cleanup: 'log' },
  ])
  const { code, json } = await topics('check')
  expect(code).toBe(1)
  const rows = json['topics'] as { topic: string; ok: boolean; code?: string }[]
  expect(rows[0]).toEqual({ topic: 'app.ingress', ok: true })
  expect(rows[1]).toMatchObject({ topic: 'app.log', ok: false, code: 'log-topic-mismatch' })
})

test('without brokers there is nothing to ask', async () => {
  expect(await hb(['topics', 'check'])).toMatchObject({ code: 2, out: [] })
})
