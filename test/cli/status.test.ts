// hb status on nodes that run, found through their groups on one log.

import { afterEach, expect, test } from '@jest/globals'
import type { NetworkStatus } from '../../src/cli/network-status.ts'
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
