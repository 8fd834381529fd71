import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { OPERATORS_MAX } from '../../src/protocol/features.ts'
import type { Genesis } from '../../src/protocol/genesis.ts'
import {
  canonicalJson,
  genesisProcess,
  genesisProcessId,
  genesisSpawn,
  grindNonce,
  makeGenesis,
  networkId,
  openNetwork,
  PARTITIONS_MAX,
} from '../../src/protocol/genesis.ts'
import type { LimitRow } from '../../src/protocol/limits.ts'
import { defaultLimits, LIMIT_TABLE } from '../../src/protocol/limits.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { isIdText } from '../../src/std/bytes.ts'
import { allDifferent, codeOf, idOf, PARTITIONS, testNetwork } from './fixtures.ts'

const { genesis } = testNetwork()
const [hb, echo] = genesis.processes as [Genesis['processes'][number], Genesis['processes'][number]]

type Values = Record<string, unknown>
type Draft = Values & { sandbox: Values; limits: Values; processes: [Values, Values] }

/** The genesis with its JSON changed: as it comes from a file. */
function withChange(change: (draft: Draft) => void): Genesis {
  const draft = structuredClone(genesis) as unknown as Draft
  change(draft)
  return draft as unknown as Genesis
}

describe('the network id', () => {
  test('is an id, the same for the same genesis whatever the order of its keys', () => {
    const entries = Object.entries(genesis).reverse()
    const turned = Object.fromEntries(entries) as unknown as Genesis
    expect(isIdText(networkId(genesis))).toBe(true)
    expect(networkId(turned)).toBe(networkId(genesis))
    expect(networkId(JSON.parse(JSON.stringify(genesis)) as Genesis)).toBe(networkId(genesis))
  })

  test('is another one when any field is', () => {
    const limitNames = Object.keys(genesis.limits) as (keyof typeof LIMIT_TABLE)[]
    const others: Genesis[] = [
      genesis,
      { ...genesis, format: 2 as 1 },
      { ...genesis, name: 'other' },
      { ...genesis, salt: 'other' },
      { ...genesis, generation: 1 },
      { ...genesis, partitions: 5 },
      { ...genesis, intervalLength: 9_999 },
      { ...genesis, sandbox: { engine: 'other', version: '0' } },
      { ...genesis, sandbox: { engine: 'quickjs', version: '1' } },
      ...limitNames.map((name) => {
        return { ...genesis, limits: { ...genesis.limits, [name]: genesis.limits[name] + 1 } }
      }),
      { ...genesis, processes: [] },
      { ...genesis, processes: [hb] },
      { ...genesis, processes: [echo, hb] },
      { ...genesis, processes: [hb, { ...echo, name: 'other' }] },
      { ...genesis, processes: [hb, { ...echo, nonce: 1 }] },
      { ...genesis, processes: [hb, { ...echo, engine: 'native' }] },
      { ...genesis, processes: [hb, { ...echo, source: 'other' }] },
      { ...genesis, processes: [hb, { ...echo, state: { b: 1, a: 3 } }] },
      { ...genesis, processes: [hb, { ...echo, state: { a: 2, b: 1 } }] },
      { ...genesis, processes: [{ ...hb, state: echo.state }, { ...echo, state: hb.state }] },
    ]
    expect(allDifferent(others.map(networkId))).toBe(true)
  })
})

test('canonicalJson is JSON that says the same, and one text for one value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalJson(JSON.parse(text))).toBe(text)
    }),
  )
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: '"', é: 1, Z: 2 })).toBe(
    '{"Z":2,"a":"\\"","b":[{"c":null,"d":1}],"é":1}',
  )
})

describe('openNetwork', () => {
  test('takes what makeGenesis makes, through JSON too', () => {
    const network = openNetwork(JSON.parse(JSON.stringify(genesis)) as Genesis)
    expect(network.id).toBe(networkId(genesis))
    expect([...network.processIds.keys()]).toEqual(['hb', 'echo'])
    expect(network.processIds.get('echo')).toBe(genesisProcessId('salt', 'echo', 0))
  })

  test('puts each spawn into the partition of its id, in the order of the document', () => {
    const processes = Array.from({ length: 20 }, (_, at) => {
      return { name: `p${at}`, engine: 'quickjs' as const, source: 'x', state: {} }
    })
    const network = testNetwork({ processes })
    const places = network.spawns.flatMap((list, partition) =>
      list.map((process) => [process.name, partition]),
    )
    const expected = processes.map(({ name }) => {
      return [name, partitionOf(network.processIds.get(name) as string, 4)]
    })
    expect(new Map(places as [string, number][])).toEqual(new Map(expected as [string, number][]))
    for (const list of network.spawns) {
      const order = list.map(({ name }) => Number(name.slice(1)))
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
  })

  const wrong = (change: (draft: Draft) => void): string =>
    codeOf(() => openNetwork(withChange(change)))

  test('refuses a document without one of its fields, or with one of another type', () => {
    for (const field of Object.keys(genesis)) {
      expect(wrong((draft) => delete draft[field])).toBe('genesis-malformed')
      for (const value of [null, [], {}, 'x', -1, 1.5, true, NaN, 2 ** 60]) {
        // a text may be any text, and processes may be none
        if (['name', 'salt'].includes(field) && value === 'x') continue
        if (field === 'processes' && Array.isArray(value)) continue
        expect(wrong((draft) => (draft[field] = value))).toBe('genesis-malformed')
      }
    }
  })

  test.each(['sandbox', 'limits'] as const)('refuses %s with a field less or more', (part) => {
    const fields = Object.keys(genesis[part])
    for (const field of fields) {
      expect(wrong((draft) => delete draft[part][field])).toBe('genesis-malformed')
    }
    const more = wrong((draft) => (draft[part]['more'] = 1))
    expect(more).toBe('genesis-malformed')
  })

  test('refuses a field that it does not know', () => {
    expect(wrong((draft) => (draft['more'] = 1))).toBe('genesis-malformed')
    expect(wrong((draft) => (draft.processes[0]['more'] = 1))).toBe('genesis-malformed')
  })

  test.each(Object.entries(LIMIT_TABLE) as [string, LimitRow][])(
    'takes %s at its least and refuses it below',
    (name, { least }) => {
      const at = (value: number): string =>
        wrong((draft) => (draft.limits[name] = value))
      expect(at(least)).toBe('none')
      expect(at(least - 1)).toBe('genesis-malformed')
      expect(at(least + 0.5)).toBe('genesis-malformed')
    },
  )

  test.each([
    ['name', ''],
    ['name', 'Hb'],
    ['name', '9a'],
    ['name', 'a b'],
    ['name', 'a'.repeat(65)],
    ['name', 'toString'],
    ['nonce', -1],
    ['nonce', 1.5],
    ['engine', 'wasm'],
    ['engine', 'toString'],
    ['source', 1],
    ['source', '\ud800'],
    ['state', null],
    ['state', []],
    ['state', 'x'],
  ])('refuses a process with %s %j', (field, value) => {
    expect(wrong((draft) => (draft.processes[0][field] = value))).toBe('genesis-malformed')
  })

  test('refuses what is no document at all', () => {
    for (const value of [null, undefined, 1, 'x', [], [genesis], {}]) {
      expect(codeOf(() => openNetwork(value as unknown as Genesis))).toBe('genesis-malformed')
    }
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(genesis)), (value, field) => {
        const code = wrong((draft) => (draft[field] = value))
        expect(['none', 'genesis-malformed']).toContain(code)
      }),
    )
  })

  test('bounds the partitions', () => {
    const at = (partitions: number): string =>
      codeOf(() => openNetwork({ ...genesis, partitions, processes: [] }))
    expect([1, PARTITIONS_MAX].map(at)).toEqual(['none', 'none'])
    expect([0, PARTITIONS_MAX + 1].map(at)).toEqual(['genesis-malformed', 'genesis-malformed'])
  })

  test('refuses two processes of one name', () => {
    const twice = { name: 'a', engine: 'quickjs', source: 'x', state: {} } as const
    const processes = [twice, { ...twice, nonce: 1 }]
    expect(codeOf(() => testNetwork({ processes }))).toBe('genesis-malformed')
    expect(codeOf(() => testNetwork({ processes: [twice] }))).toBe('none')
  })

  test('refuses a system process outside partition 0', () => {
    const { nonce } = hb
    let other = nonce
    while (partitionOf(genesisProcessId('salt', 'hb', other), 4) === 0) other += 1
    expect(wrong((draft) => (draft.processes[0]['nonce'] = other))).toBe(
      'genesis-malformed',
    )
  })
})

describe('features', () => {
  const operators = [idOf('operator')]
  const made = makeGenesis({ ...genesis, features: { level: 1, operators } })
  type Drafted = Values & { features: Values & { nonces: number[] } }
  const wrong = (change: (draft: Drafted) => void): string => {
    const draft = structuredClone(made) as unknown as Drafted
    change(draft)
    return codeOf(() => openNetwork(draft as unknown as Genesis))
  }

  test('each partition has a process that keeps its level, spawned before all others', () => {
    const network = openNetwork(made)
    network.featureIds.forEach((id, partition) => {
      expect(partitionOf(id, PARTITIONS)).toBe(partition)
      const [first] = network.spawns[partition] ?? []
      expect(first).toMatchObject({ name: `features-${partition}`, engine: 'native' })
      expect(genesisSpawn(network, first as (typeof made.processes)[number]).id).toBe(id)
      expect(genesisProcess(network, `features-${partition}`)).toBe(first)
    })
    expect(network.featureIds).toHaveLength(PARTITIONS)
    expect(networkId(made)).not.toBe(networkId(genesis))
  })

  test('without them nothing is other than it was', () => {
    expect(openNetwork(genesis).featureIds).toEqual([])
    expect(genesisProcess(openNetwork(genesis), 'features-0')).toBeUndefined()
  })

  test.each<[string, (draft: Drafted) => void]>([
    ['no operator', ({ features }) => (features['operators'] = [])],
    ['an operator that is no address', ({ features }) => (features['operators'] = ['me'])],
    ['too many operators', ({ features }) => (features['operators'] = many())],
    ['level 0', ({ features }) => (features['level'] = 0)],
    ['a nonce of another partition', ({ features }) => features.nonces.reverse()],
    ['a nonce less', ({ features }) => features.nonces.pop()],
    ['a nonce that is none', ({ features }) => (features.nonces[0] = -1)],
    ['a field less', ({ features }) => delete features['level']],
    ['a field more', ({ features }) => (features['more'] = 1)],
    ['no object', (draft) => (draft['features'] = 1 as never)],
    ['a process of the same name', (draft) => (draft['processes'] = [same()])],
  ])('are refused with %s', (_name, change) => {
    expect(wrong(change)).toBe('genesis-malformed')
  })

  const many = (): string[] => Array.from({ length: OPERATORS_MAX + 1 }, (_, n) => idOf(`${n}`))
  const same = (): Values => ({ ...echo, name: 'features-0' })
})

describe('grinding', () => {
  test('finds the least nonce whose id falls into the partition', () => {
    const counts = fc.integer({ min: 1, max: 16 })
    fc.assert(
      fc.property(fc.string(), counts, fc.nat(), (salt, partitions, pick) => {
        const wanted = pick % partitions
        const nonce = grindNonce(salt, 'p', wanted, partitions)
        const places = Array.from({ length: nonce + 1 }, (_, at) =>
          partitionOf(genesisProcessId(salt, 'p', at), partitions),
        )
        expect(places.indexOf(wanted)).toBe(nonce)
      }),
    )
  })

  test('is done for system processes and not for others', () => {
    const made = makeGenesis({
      name: 'n',
      salt: 's',
      partitions: 16,
      sandbox: { engine: 'e', version: 'v' },
      limits: { gasMax: 123_456 },
      processes: [
        { name: 'a', engine: 'native', source: 'a', state: {} },
        { name: 'b', engine: 'quickjs', source: 'b', state: {} },
        { name: 'c', engine: 'quickjs', source: 'c', state: {}, nonce: 7 },
      ],
    })
    const [a, b, c] = made.processes
    expect(partitionOf(genesisProcessId('s', 'a', a?.nonce as number), 16)).toBe(0)
    expect([b?.nonce, c?.nonce]).toEqual([0, 7])
    expect(made.limits).toEqual({ ...defaultLimits(), gasMax: 123_456 })
    expect(codeOf(() => openNetwork(made))).toBe('none')
  })
})

test('the ids of genesis processes depend on salt, name and nonce, not on the network', () => {
  const ids = [
    genesisProcessId('s', 'a', 0),
    genesisProcessId('s', 'a', 1),
    genesisProcessId('s', 'b', 0),
    genesisProcessId('t', 'a', 0),
    genesisProcessId('sa', '', 0),
  ]
  expect(allDifferent(ids)).toBe(true)
  const other = testNetwork({ name: 'other', intervalLength: 5 })
  expect(other.id).not.toBe(testNetwork().id)
  expect(other.processIds).toEqual(testNetwork().processIds)
})

test('the spawn of a genesis process is a message of the network', () => {
  const network = testNetwork()
  const spawn = genesisSpawn(network, echo)
  const id = network.processIds.get('echo') as string
  expect(spawn).toMatchObject(
    { kind: 'spawn', from: 'genesis', caller: network.id, id, process: id },
  )
  const { engine, source, state } = echo
  expect(Buffer.from(spawn.data).toString()).toBe(JSON.stringify({ engine, source, state }))
  const digests = [
    spawn.digest,
    genesisSpawn(network, hb).digest,
    genesisSpawn(testNetwork({ name: 'other' }), echo).digest,
  ]
  expect(allDifferent(digests)).toBe(true)
})
