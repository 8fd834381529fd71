// What `hb status` makes of the answers of nodes.

import { describe, expect, test } from '@jest/globals'
import { networkStatus } from '../../src/cli/network-status.ts'
import type { Holding, NodeHealth, PartitionHealth, Role } from '../../src/node/index.ts'

function health(...partitions: Partial<PartitionHealth>[]): NodeHealth {
  const roles: Role[] = ['sequencer', 'dre', 'relayer']
  return {
    network: 'network',
    log: 'memory log',
    roles,
    ready: true,
    partitions: partitions.map((given, partition) => ({
      partition,
      height: -1,
      evaluated: -1,
      sequencer: 'elsewhere',
      dre: 'elsewhere',
      relayer: 'elsewhere',
      ...given,
    })),
  }
}

const all = (holding: Holding) => ({ sequencer: holding, dre: holding, relayer: holding })

describe('the status of a network', () => {
  test('is fine where each role has each partition open at some node', () => {
    const one = health({ ...all('open'), height: 7, evaluated: 6 }, { sequencer: 'open' })
    const two = health({ height: 5, standbyLag: { dre: 3 } }, { dre: 'open', relayer: 'open' })
    const nodes = [
      { address: 'one', health: one },
      { address: 'two', health: two },
    ]
    const lags = { sequencer: [0, 1], dre: [2, undefined], relayer: [0, 0] }
    const status = networkStatus(nodes, lags)
    expect(status).toMatchObject({ ok: true, network: 'network' })
    const [first, second] = status.partitions
    expect(first).toMatchObject({ height: 7, evaluated: 6, halted: [] })
    expect(first?.standbys).toEqual([{ role: 'dre', address: 'two', lag: 3 }])
    expect(first?.lag).toEqual({ sequencer: 0, dre: 2, relayer: 0 })
    expect(second?.lag).toEqual({ sequencer: 1, relayer: 0 })
    expect(second?.owners).toEqual({
      sequencer: { address: 'one', holding: 'open' },
      dre: { address: 'two', holding: 'open' },
      relayer: { address: 'two', holding: 'open' },
    })
  })

  test('who has it open has it, whoever else still lets it go', () => {
    const nodes = (['closing', 'open', 'opening'] as const).map((holding) => {
      return { address: holding, health: health(all(holding)) }
    })
    for (const each of [nodes, nodes.toReversed()]) {
      expect(networkStatus(each).partitions[0]?.owners.dre?.address).toBe('open')
    }
  })

  test('names the partitions that wait for a schema registry, and is fine with them', () => {
    const schemaAwaited = { code: 'schema-registry-unreachable', text: 'away' }
    const one = health(all('open'), { ...all('open'), schemaAwaited })
    const status = networkStatus([{ address: 'one', health: one }])
    expect(status.ok).toBe(true)
    expect(status.partitions.map((each) => each.schemaAwaited)).toEqual([
      [],
      [{ address: 'one', ...schemaAwaited }],
    ])
  })

  test('says how far a partition is read that a node opens', () => {
    const one = health({ ...all('open'), dre: 'opening' }, all('open'))
    const far = { role: 'dre' as const, topic: 'hb.log', read: 10, of: 40, etaMs: 2_500 }
    const waiting = [
      { role: 'relayer' as const, what: 'joining' as const },
      { ...far, what: 'opening' as const, partition: 0 },
    ]
    const { ok, partitions } = networkStatus([{ address: 'one', health: { ...one, waiting } }])
    expect(ok).toBe(false)
    expect(partitions.map(({ restoring }) => restoring)).toEqual([[{ address: 'one', ...far }], []])
  })

  test.each([
    ['a role that nobody has', [health({ ...all('open'), relayer: 'elsewhere' })]],
    ['a partition that is only opening', [health({ ...all('open'), dre: 'opening' })]],
    ['no answer at all', []],
    [
      'a halted one',
      [health({ ...all('open'), dre: 'halted', halted: { code: 'clock-skew', text: '' } })],
    ],
  ])('is not fine with %s', (_, healths) => {
    const nodes = healths.map((each, at) => ({ address: `${at}`, health: each }))
    expect(networkStatus([...nodes, { address: 'gone', error: 'refused' }]).ok).toBe(false)
  })
})
