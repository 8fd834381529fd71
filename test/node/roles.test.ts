// Nodes with some of the roles each, on one log: what each needs, has and says.

import { afterEach, describe, expect, test } from '@jest/globals'
import type { JoinOptions, Log } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { NodeOptions, RunningNode } from '../../src/node/index.ts'
import { composeNode } from '../../src/node/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { HbError } from '../../src/std/errors.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { passing } from '../../src/log/passing/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'

const SOURCE = `exports.handle = (state) => { state.count = (state.count ?? 0) + 1 }`
const genesis = makeGenesis({
  name: 'roles',
  salt: 'r',
  partitions: 4,
  sandbox: SANDBOX,
  processes: [{ name: 'counter', engine: 'quickjs', source: SOURCE, state: {} }],
})
const network = openNetwork(genesis)
const counter = network.processIds.get('counter') as string

describe('roles in any split', () => {
  const nodes: RunningNode[] = []
  let log: Log = createMemoryLog({ drainTimeoutMs: 200 })
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close()
    await log.close()
    log = createMemoryLog({ drainTimeoutMs: 200 })
  })

  async function start(options: Partial<NodeOptions> = {}): Promise<RunningNode> {
    const node = await composeNode({
      genesis,
      log,
      evaluatorWorkers: 0,
      verifierThreads: 0,
      ...options,
    })
    nodes.push(node)
    return node
  }
  const sequencer = () => start({ roles: ['sequencer'], sequencerStore: createMemoryStore() })
  const dre = () => start({ roles: ['dre'], dreStore: createMemoryStore() })
  const relayer = () => start({ roles: ['relayer'] })

  async function until(what: () => boolean): Promise<void> {
    const deadline = Date.now() + 5_000
    while (!what()) {
      if (Date.now() > deadline) throw new Error(`not in time: ${String(what)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  test('only what is asked for runs, with the stores of that alone; together they are a network', async () => {
    const one = await sequencer()
    const two = await dre()
    const three = await relayer()
    expect([one, two, three].map((node) => node.api.health().roles)).toEqual([
      ['sequencer'],
      ['dre'],
      ['relayer'],
    ])
    expect([one.dre, one.relayer, one.evaluator]).toEqual([undefined, undefined, undefined])
    expect([two.sequencer, three.evaluator]).toEqual([undefined, undefined])
    await until(() => nodes.every(({ api }) => api.health().ready))
    // the one that only relays takes messages, too
    const item = signedItem(network, ed25519Key(), { target: counter, tags: [], data: '' })
    const [submitted] = await three.api.submit([item])
    if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
    await until(() => one.api.health().partitions[submitted.partition]?.height === 1)
    await until(() => two.api.health().partitions[submitted.partition]?.evaluated === 1)
    expect(JSON.parse((await two.api.state(counter))?.text ?? '')).toEqual({ count: 2 })
    expect(await one.api.state(counter)).toBeUndefined()
  })

  test('a role without its store is refused', async () => {
    for (const role of ['sequencer', 'dre'] as const) {
      await expect(start({ roles: [role] })).rejects.toThrow(HbError)
    }
  })

  test('ready once joined and open; partitions that another has do not count', async () => {
    const one = await dre()
    expect(one.api.health().ready).toBe(false)
    await until(() => one.api.health().ready)
    const two = await dre()
    expect(two.api.health().ready).toBe(false)
    await until(() => two.api.health().ready)
    const rows = [one, two].map(({ api }) => api.health().partitions.map((row) => row.dre))
    for (let partition = 0; partition < 4; partition++) {
      const here = rows.map((row) => row[partition]).sort()
      expect(here).toEqual(['elsewhere', 'open'])
    }
    expect(one.api.health().partitions.every((row) => row.sequencer === 'elsewhere')).toBe(true)
    await two.close()
    expect(two.api.health().ready).toBe(false)
    await until(() => one.api.health().partitions.every((row) => row.dre === 'open'))
    expect(one.api.health().ready).toBe(true)
  })

  test('a halted role is told, and the node is not ready', async () => {
    const broken = {
      ...passing(log),
      read: (topic: string, partition: number, ...rest: [number]) =>
        topic === 'hb.log' && partition === 2
          ? Promise.reject(new HbError('log-diverged', 'as planted'))
          : log.read(topic, partition, ...rest),
    }
    const told: [string, number][] = []
    const node = await start({
      log: broken,
      roles: ['sequencer'],
      sequencerStore: createMemoryStore(),
      onHalted: (role, partition) => told.push([role, partition]),
    })
    await until(() => node.api.health().partitions[2]?.halted !== undefined)
    await until(() => node.api.health().partitions[1]?.sequencer === 'open')
    const { partitions, ready } = node.api.health()
    expect(ready).toBe(false)
    expect(partitions.map((row) => row.sequencer)).toEqual(['open', 'open', 'halted', 'open'])
    expect(partitions[2]?.halted).toMatchObject({ code: 'log-diverged' })
    expect(partitions[2]?.halted?.text).toContain('sequencer')
    expect(told).toContainEqual(['sequencer', 2])
  })

  test('a DRE that takes over is open once it evaluated what there was, not before', async () => {
    const one = await sequencer()
    const two = await dre()
    await until(() => nodes.every(({ api }) => api.health().ready))
    const items = [1, 2, 3].map(() =>
      signedItem(network, ed25519Key(), { target: counter, tags: [], data: '' }),
    )
    const [submitted] = await one.api.submit(items)
    if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
    const { partition } = submitted
    await until(() => two.api.health().partitions[partition]?.evaluated === 3)
    await two.close()
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const slow: Log = {
      ...passing(log),
      join: (options) => {
        const records: JoinOptions['member']['records'] = async (batch) => {
          if (batch.partition === partition) await held
          return options.member.records(batch)
        }
        const { member } = options
        const rest = { revoked: member.revoked.bind(member), assigned: member.assigned.bind(member) }
        return log.join({ ...options, member: { ...rest, records } })
      },
    }
    const three = await start({ log: slow, roles: ['dre'], dreStore: createMemoryStore() })
    await until(() => three.dre?.owned(partition) !== undefined)
    await until(() => three.api.health().partitions.filter((row) => row.dre === 'open').length === 3)
    expect(three.api.health()).toMatchObject({ ready: false })
    expect(three.api.health().partitions[partition]?.dre).toBe('opening')
    expect(await three.api.servedAt(partition)).toBeUndefined()
    letGo()
    await until(() => three.api.health().ready)
    expect(await three.api.servedAt(partition)).toBe('here')
    expect(JSON.parse((await three.api.state(counter))?.text ?? '')).toEqual({ count: 4 })
  })

  test('address and standbys reach the groups; a relayer keeps nothing warm', async () => {
    const joined: JoinOptions[] = []
    const watched: Log = { ...passing(log), join: (options) => (joined.push(options), log.join(options)) }
    const stores = { sequencerStore: createMemoryStore(), dreStore: createMemoryStore() }
    await start({ log: watched, address: 'http://a:1', standbys: 1, ...stores })
    const asked = joined.map(({ group, address, standbys }) => [group, address, standbys])
    expect(asked.sort()).toEqual([
      ['hb.dre', 'http://a:1', 1],
      ['hb.relayer', 'http://a:1', undefined],
      ['hb.sequencer', 'http://a:1', 1],
    ])
    expect(await log.members('hb.dre')).toMatchObject([{ address: 'http://a:1' }])
  })

  test('how far a warm copy lags is told beside what is held; of an empty partition, too', async () => {
    const both = async (): Promise<RunningNode> => {
      const stores = { sequencerStore: createMemoryStore(), dreStore: createMemoryStore() }
      return start({ roles: ['sequencer', 'dre'], standbys: 1, ...stores })
    }
    const [one, two] = [await both(), await both()]
    const partitions = [0, 1, 2, 3]
    const row = (node: RunningNode, partition: number) => node.api.health().partitions[partition]
    const isWarm = (role: 'sequencer' | 'dre', partition: number): boolean =>
      [row(one, partition), row(two, partition)].some((mine, at, rows) => {
        const other = rows[1 - at]
        return mine?.[role] === 'open' && other?.[role] === 'standby' && other.standbyLag?.[role] === 0
      })
    await until(() => partitions.every((each) => isWarm('sequencer', each) && isWarm('dre', each)))
    // each got its share, for all that nothing moves to a member that is not warm
    for (const node of [one, two]) {
      const owned = partitions.filter((each) => row(node, each)?.dre === 'open')
      expect(owned.length).toBeGreaterThan(0)
      for (const each of partitions) {
        const { sequencer, dre, standbyLag } = row(node, each) as NonNullable<ReturnType<typeof row>>
        const kept = [...(dre === 'standby' ? ['dre'] : []), ...(sequencer === 'standby' ? ['sequencer'] : [])]
        expect(Object.keys(standbyLag ?? {}).sort()).toEqual(kept)
      }
    }
  })

  test('a warm copy that fails is told of', async () => {
    await start({ roles: ['dre'], dreStore: createMemoryStore(), standbys: 1 })
    const broken: Log = {
      ...passing(log),
      read: (topic, partition, from, options) =>
        topic === 'hb.log'
          ? Promise.reject(new HbError('log-diverged', 'as planted'))
          : log.read(topic, partition, from, options),
    }
    const told: string[] = []
    await start({
      log: broken,
      roles: ['dre'],
      dreStore: createMemoryStore(),
      standbys: 1,
      onStandbyFailed: (role) => told.push(role),
    })
    await until(() => told.length > 0)
    expect(told[0]).toBe('dre')
  })

  test('what close still waits for is told in words', async () => {
    let let_go: () => void = () => undefined
    const held = new Promise<void>((resolve) => (let_go = resolve))
    const slow: Log = {
      ...passing(log),
      join: async (options) => {
        const membership = await log.join(options)
        const leave = async () => (await held, membership.leave())
        return options.group === 'hb.dre' ? { ...membership, leave } : membership
      },
    }
    const stores = { sequencerStore: createMemoryStore(), dreStore: createMemoryStore() }
    const node = await start({ log: slow, ...stores })
    await until(() => node.api.health().ready)
    expect(node.unfinished()).toEqual([])
    const closed = node.close()
    await until(() => node.unfinished().length === 1)
    expect(node.unfinished()).toEqual(['dre (partitions 0, 1, 2, 3)'])
    let_go()
    await closed
    expect(node.unfinished()).toEqual([])
  })
})
