// hb status on nodes that run, found through their groups on one log.

import { afterEach, expect, test } from '@jest/globals'
import type { NetworkStatus } from '../../src/cli/network-status.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import type { WriterSchemas } from '../../src/schemas/index.ts'
import { HbError } from '../../src/std/errors.ts'
import { Fleet, until } from '../node/fleet.ts'
import { passing } from '../../src/log/passing/index.ts'
import { rigNetwork } from '../node/rig.ts'
import { hb } from './terminal-double.ts'

const BROKERS = ['--bootstrap-server', 'kafka:9092']
let fleet: Fleet
afterEach(() => fleet.close())

function status(...args: string[]) {
  const close = (): Promise<void> => Promise.resolve()
  const open = () => Promise.resolve({ ...passing(fleet.log), close })
  return hb(['status', ...args], {}, undefined, open)
}
const asked = ({ out }: { out: string[] }): NetworkStatus =>
  JSON.parse(out[0] ?? '') as NetworkStatus

test('shows who has what, and that nobody has what a node took with it', async () => {
  fleet = new Fleet(rigNetwork(['counter'], { partitions: 2 }).genesis)
  const first = await fleet.start(['sequencer', 'dre'])
  const second = await fleet.start(['relayer'])
  await fleet.ready()
  const ran = await status(...BROKERS, '--json')
  expect(ran.code).toBe(0)
  expect(asked(ran)).toMatchObject({ ok: true, network: fleet.network.id })
  for (const { owners, lag, height, evaluated } of asked(ran).partitions) {
    expect(owners.sequencer).toEqual({ address: first.url, holding: 'open' })
    expect(owners.relayer).toEqual({ address: second.url, holding: 'open' })
    expect(height).toBe(evaluated)
    expect(lag).toMatchObject({ sequencer: 0, dre: 0 })
  }
  const table = (await status(...BROKERS)).out.join('\n')
  expect(table).toContain('partition')
  expect(table).toContain(first.url)

  fleet.forget(second)
  await second.stop()
  await until(async () => (await status(...BROKERS)).code === 1)
  expect((await status(...BROKERS)).out.join('\n')).toContain('nobody')
  const alone = await status('--url', first.url, '--json')
  expect(alone.code).toBe(1)
  expect(asked(alone).partitions[0]?.owners.relayer).toBeUndefined()
})

test('shows the partition whose ingress waits for a schema registry, until it answers', async () => {
  fleet = new Fleet(rigNetwork(['counter'], { partitions: 2 }).genesis)
  const registry = { isAway: true }
  const schemas: WriterSchemas = {
    writerSchema: async () => {
      if (registry.isAway) throw new HbError('schema-registry-unreachable', 'nobody answers')
      return { type: 'unusable', text: 'no such schema' }
    },
  }
  const node = await fleet.start(['sequencer', 'dre', 'relayer'], { schemas })
  await fleet.ready()
  const id = fleet.network.processIds.get('counter-0') as string
  const partition = partitionOf(id, 2)
  // as a registry's client writes it: a zero byte, the schema's id
  const value = Buffer.from([0, 0, 0, 0, 9, 1])
  await fleet.log.append('hb.ingress', partition, [{ key: id, value }])
  await until(() => node.api.health().partitions[partition]?.schemaAwaited !== undefined)
  const ran = await status(...BROKERS, '--json')
  // it stands still, and goes on by itself
  expect([ran.code, asked(ran).partitions.map((each) => each.schemaAwaited.length)]).toEqual([
    0,
    [0, 1].map((each) => Number(each === partition)),
  ])
  const line = (await status(...BROKERS)).out.at(-1)
  const where = `partition ${partition} at ${node.url}`
  expect(line).toContain(`waits for a schema registry: ${where}: schema-registry-unreachable`)
  registry.isAway = false
  await until(() => node.api.health().partitions[partition]?.schemaAwaited === undefined)
  expect((await status(...BROKERS)).out.join()).not.toContain('waits for')
})
