// hb dlq on a network that runs: what was refused is listed, shown and sent again through its door.

import { afterEach, expect, test } from '@jest/globals'
import { Records } from '../../src/protocol/codec/records.ts'
import { parseDataItem } from '../../src/protocol/ans104/index.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { Fleet, until } from '../node/fleet.ts'
import type { FleetNode } from '../node/fleet.ts'
import { passing } from '../../src/log/passing/index.ts'
import { rigNetwork } from '../node/rig.ts'
import { agreeOnNetwork } from '../../src/node/index.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { systemClock } from '../../src/std/clock.ts'
import { hb } from './terminal-double.ts'

const RECORDS = new Records()
const COUNTER = `exports.handle = (state) => {
  state.count = (state.count ?? 0) + 1
  return {}
}`
const BROKERS = ['--bootstrap-server', 'kafka:9092']
let fleet: Fleet
afterEach(() => fleet.close())

type Row = { offset: number; code: string; id?: string; attempts: number; outcome?: string }

async function dlq(...args: string[]) {
  const close = (): Promise<void> => Promise.resolve()
  const open = () => Promise.resolve({ ...passing(fleet.log), close })
  const ran = await hb(['dlq', ...args, ...BROKERS, '--json'], {}, undefined, open)
  const json = JSON.parse(ran.out[0] ?? '{}') as { ok: boolean; letters?: Row[] }
  return { ...ran, json, letters: json.letters ?? [] }
}

async function start(): Promise<{ node: FleetNode; target: string }> {
  const counter = rigNetwork(['counter'], { partitions: 2 }).genesis
  const processes = counter.processes.map((each) => ({ ...each, source: COUNTER }))
  const genesis = { ...counter, processes }
  fleet = new Fleet(genesis)
  const own = openNetwork(genesis)
  const make = () => Promise.reject(new Error('it is given'))
  await agreeOnNetwork({ log: fleet.log, applicationId: 'hb', clock: systemClock, own, make })
  const node = await fleet.start(['sequencer', 'dre', 'relayer'])
  await fleet.ready()
  return { node, target: fleet.network.processIds.get('counter-0') as string }
}

/** As a producer that does not know where a message belongs. */
async function misplace(item: Buffer, target: string): Promise<void> {
  const wrong = (partitionOf(target, 2) + 1) % 2
  const value = RECORDS.encodeIngress({ type: 'signed', item })
  await fleet.log.append('hb.ingress', wrong, [{ key: target, value }])
}

const count = async (node: FleetNode, target: string): Promise<number> =>
  (JSON.parse((await node.client.state(target)).text) as { count?: number }).count ?? 0

test('what was put in a wrong place is listed with its attempts, and gets its place once', async () => {
  const { node, target } = await start()
  const item = signedItem(fleet.network, ed25519Key(), { target })
  const { id } = parseDataItem(item)
  await misplace(item, target)
  await misplace(item, target)
  await fleet.log.append('hb.ingress', 0, [{ key: 'x', value: Buffer.from('junk') }])
  await until(async () => (await dlq('list')).letters.length === 3)
  const { letters } = await dlq('list')
  const own = letters.filter((each) => each.id === id)
  expect(own.map(({ code, attempts }) => [code, attempts])).toEqual([
    ['record-malformed', 1],
    ['record-malformed', 2],
  ])
  expect((await dlq('list', '--limit', '1')).letters).toHaveLength(1)
  expect((await dlq('list', '--code', 'expired')).letters).toEqual([])
  const shown = await dlq('show', String(own[1]?.offset))
  expect(shown.json).toMatchObject({ ok: true, id, attempts: 2, key: target })

  const before = await count(node, target)
  const dry = await dlq('redrive', '--dry-run')
  expect(dry.code).toBe(0)
  expect(new Set(dry.letters.map(({ outcome }) => outcome))).toEqual(
    new Set(['would-send', 'no-message']),
  )
  expect(await count(node, target)).toBe(before)
  const sent = await dlq('redrive')
  expect([sent.code, sent.letters.find((each) => each.id === id)?.outcome]).toEqual([0, 'sent'])
  await until(async () => (await count(node, target)) === before + 1)
  const again = await dlq('redrive')
  expect(again.letters.find((each) => each.id === id)?.outcome).toBe('placed')
  expect(await count(node, target)).toBe(before + 1)
})

test('what its sender was told is refused is sent again by force alone', async () => {
  const { node, target } = await start()
  await node.client.submit(signedItem(fleet.network, ed25519Key(), { target }))
  const tags = [
    { name: 'HB-Network', value: fleet.network.id },
    { name: 'HB-Expires', value: '1' },
  ]
  const item = signedItem(fleet.network, ed25519Key(), { target, tags })
  const { id } = await node.client.submit(item)
  await until(async () => (await dlq('list')).letters.length === 1)
  const asked = await dlq('redrive')
  expect([asked.code, asked.letters]).toEqual([1, [{ offset: 0, id, outcome: 'told' }]])
  const forced = await dlq('redrive', '--offset', '0', '--force')
  expect([forced.code, forced.letters[0]?.outcome]).toEqual([0, 'sent'])
  // it is as late as it was: refused again, and that is one more attempt
  await until(async () => (await dlq('list')).letters.length === 2)
  expect((await dlq('list')).letters.at(-1)).toMatchObject({ id, code: 'expired', attempts: 2 })
})

test('what is not there is said', async () => {
  await start()
  expect((await dlq('show', '7')).code).toBe(2)
  expect((await dlq('redrive', '--code', 'expired')).code).toBe(2)
})
