// hb features on a node that runs: shown, raised by an operator alone, taken back; and what a node
// does when a level holds that it does not have.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { lacking, partitionFeatures, upgradeOf } from '../../src/cli/feature-levels.ts'
import { loadWallet } from '../../src/client/index.ts'
import { makeGenesis } from '../../src/protocol/genesis.ts'
import type { FeaturesState } from '../../src/protocol/features.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import type { FleetNode } from '../node/fleet.ts'
import { Fleet, until } from '../node/fleet.ts'
import { rigNetwork } from '../node/rig.ts'
import type { Ran } from './terminal-double.ts'
import { hb } from './terminal-double.ts'

describe('what a partition is on', () => {
  const state: FeaturesState = { operators: [], intervalLength: 10, level: 3, pending: null }
  const pending = { ...state, pending: { level: 4, height: 12 } }

  test('is pending until the end of its interval, whatever the process itself has seen', () => {
    expect(partitionFeatures(0, state, 5)).toMatchObject({ level: 3 })
    const before = { level: 3, pending: { level: 4, fromHeight: 20 } }
    expect(partitionFeatures(0, pending, 19)).toMatchObject(before)
    const after = partitionFeatures(0, pending, 20)
    expect([after.level, after.pending]).toEqual([4, undefined])
  })

  test('decides what an upgrade has to do', () => {
    expect(upgradeOf(partitionFeatures(0, state, 5), 3)).toBe('done')
    expect(upgradeOf(partitionFeatures(0, state, 5), 4)).toBe('ask')
    expect(upgradeOf(partitionFeatures(0, pending, 15), 4)).toBe('pending')
    expect(upgradeOf(partitionFeatures(0, pending, 20), 5)).toBe('ask')
    expect(upgradeOf(partitionFeatures(7, pending, 15), 5)).toEqual({
      refused: 'partition 7 is on level 3: raise it to 4 first',
    })
  })

  test('nodes lack a level, or cannot be asked; who evaluates nothing needs none', () => {
    const health = { network: '', log: '', ready: true, partitions: [] }
    const node = (address: string, featureLevels?: number[]) => ({
      address,
      health: { ...health, roles: [featureLevels ? 'dre' : 'relayer'] as never, featureLevels },
    })
    const nodes = [node('a', [1, 2]), node('b', [1]), node('c'), { address: 'd', error: 'gone' }]
    expect(lacking(nodes as never, 2)).toEqual(['b has 1', 'd does not answer (gone)'])
  })
})

describe('hb features', () => {
  let fleet: Fleet
  let node: FleetNode
  let folder: string
  const wallet = (name: string): string => join(folder, `${name}.json`)
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hb-features-'))
    for (const name of ['operator', 'other']) await hb(['keys', 'generate', '--out', wallet(name)])
    const { address } = await loadWallet(wallet('operator'))
    const features = { level: 1, operators: [address] }
    const given = { name: 'n', salt: 's', partitions: 2, intervalLength: 32, sandbox: SANDBOX }
    fleet = new Fleet(makeGenesis({ ...given, features }))
    node = await fleet.start(['sequencer', 'dre', 'relayer'])
    await fleet.ready()
  })
  afterEach(async () => {
    await fleet.close()
    await rm(folder, { recursive: true })
  })

  const features = (...args: string[]): Promise<Ran> =>
    hb(['features', ...args], { HB_URL: node.url, HB_WALLET: wallet('operator') })
  const described = async (): Promise<{ partitions: object[] }> =>
    JSON.parse((await features('describe', '--json')).out[0] ?? '') as { partitions: object[] }

  test('shows levels, of partitions and of nodes', async () => {
    expect(await described()).toMatchObject({
      nodes: [{ address: node.url, featureLevels: [1] }],
      partitions: [{ partition: 0, level: 1 }, { partition: 1, level: 1 }],
    })
    const { out } = await features('describe')
    expect(out.join('\n')).toContain(node.url)
    expect(out.join('\n')).toContain('next height')
    expect(node.api.health().partitions[0]).toMatchObject({ featureLevel: 1 })
  })

  test('sends nothing where a node lacks the level, and nothing but the next level', async () => {
    const refused = await features('upgrade', '--to', '2')
    expect([refused.code, refused.err.join()]).toEqual([1, expect.stringContaining('has 1; --force')])
    const far = await features('upgrade', '--to', '3', '--force')
    expect([far.code, far.err.join()]).toEqual([2, expect.stringContaining('raise it to 2 first')])
    const dry = await features('upgrade', '--to', '2', '--force', '--dry-run')
    expect(dry.out).toEqual(['partition 0: would be sent Upgrade', 'partition 1: would be sent Upgrade'])
    expect(await described()).toMatchObject({ partitions: [{ nextHeight: 1 }, { nextHeight: 1 }] })
  })

  test('what an operator asked for is pending, may be asked again, and taken back', async () => {
    const other = await features('upgrade', '--to', '2', '--force', '--wallet', wallet('other'))
    expect([other.code, other.out[0]]).toEqual([1, expect.stringContaining('not-operator')])
    const asked = await features('upgrade', '--to', '2', '--force')
    expect([asked.code, asked.out[0]]).toEqual([0, 'partition 0: level 2 from height 32 on'])
    const pending = { level: 1, pending: { level: 2, fromHeight: 32 } }
    expect(await described()).toMatchObject({ partitions: [pending, pending] })
    const again = await features('upgrade', '--to', '2', '--force', '--json')
    expect(JSON.parse(again.out[0] ?? '')).toMatchObject({
      ok: true,
      partitions: [{ outcome: 'was asked for already' }, { outcome: 'was asked for already' }],
    })
    const cancelled = await features('cancel')
    expect([cancelled.code, cancelled.out[0]]).toEqual([0, 'partition 0: stays on level 1'])
    expect((await features('cancel')).out[0]).toBe('partition 0: nothing is pending')
  })

  test('a node that lacks what holds halts, and says so', async () => {
    await features('upgrade', '--to', '2', '--force')
    const target = fleet.network.featureIds[0] as string
    const operator = await loadWallet(wallet('operator'))
    while (node.api.health().partitions[0]?.halted === undefined) {
      await node.client.send(operator, { target, action: 'Info' })
      await until(async () => {
        const { height, evaluated, halted } = node.api.health().partitions[0] ?? {}
        return halted !== undefined || height === evaluated
      })
    }
    const { halted, evaluated } = node.api.health().partitions[0] ?? {}
    expect(halted?.code).toBe('feature-level-unknown')
    expect(evaluated).toBe(31)
    expect((await hb(['status'], { HB_URL: node.url })).out.join('\n')).toContain('has 1')
  })
})

test('a network whose genesis names no operators says so', async () => {
  const fleet = new Fleet(rigNetwork(['counter'], { sandbox: SANDBOX }).genesis)
  const node = await fleet.start(['sequencer', 'dre', 'relayer'])
  await fleet.ready()
  const { code, err } = await hb(['features', 'describe', '--url', node.url])
  expect([code, err.join()]).toEqual([1, expect.stringContaining('feature-levels-fixed')])
  await fleet.close()
})
