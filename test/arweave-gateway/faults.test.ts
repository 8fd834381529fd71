// A gateway that fails in every way that gateways do: each passes with a pause or ends with its
// code, within its limits, and nothing that it sends is believed.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { openArweaveArchive } from '../../src/archive/index.ts'
import type { Archive, ArweaveLimits, Upload } from '../../src/archive/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { allFound, codeOf } from '../archive/conformance.ts'
import { Arlocal } from './arlocal.ts'
import type { Fault } from './faulty-gateway.ts'
import { FaultyGateway } from './faulty-gateway.ts'

const FAST: Partial<ArweaveLimits> = {
  pollDelayMs: 20,
  retryDelayMs: 5,
  retryDelayMsMax: 40,
  requestTimeoutMs: 2_000,
  transferTimeoutMs: 3_000,
}

let arlocal: Arlocal
let gateway: FaultyGateway
let wallet: Wallet
let archive: Archive
let n = 0

beforeAll(async () => {
  arlocal = await Arlocal.start()
  gateway = await FaultyGateway.start(arlocal.url)
  wallet = await generateWallet('rsa')
  await arlocal.mint(wallet.address)
  archive = openArweaveArchive({ gateway: gateway.url, limits: FAST, signer: wallet })
})
afterAll(async () => {
  await archive.close()
  await gateway.close()
  await arlocal.close()
})
afterEach(() => {
  gateway.fault = () => undefined
  gateway.asked.splice(0)
  gateway.met = 0
})

const next = (data = `data ${++n}`): Upload => ({
  tags: [{ name: 'HB-Test', value: 'fault' }],
  data: Buffer.from(data),
})
/** More than one chunk, and no part like another. */
const large = (): Upload => next(Array.from({ length: 70_000 }, (_, at) => `${n}/${at}`).join('\n'))

async function post(upload: Upload): Promise<string> {
  const prepared = await archive.prepare(upload)
  await archive.post(prepared, 'accepted')
  return prepared.id
}

const BRIEF: readonly [string, readonly Fault[]][] = [
  ['down', [{ cut: 'before' }, { cut: 'before' }]],
  ['silent', [{ silent: true }]],
  ['busy', [{ answer: 429, headers: { 'retry-after': '3600' } }, { answer: 503 }, { answer: 500 }]],
  ['gone before it answers', [{ cut: 'after' }]],
]

describe.each(BRIEF)('a gateway that is %s for a while', (_, faults) => {
  test.each(['/tx_anchor', '/price/', '/info', '/tx/', '/graphql', '/tx', '/chunk'])(
    'delays %s, and nothing else',
    async (path) => {
      gateway.plan(path, ...faults)
      const id = await post(large())
      expect((await archive.read(id)).id).toBe(id)
      expect(gateway.met).toBe(faults.length)
    },
  )
})

const NONSENSE: readonly [string, string][] = [
  ['/info', '{"height":'],
  ['/info', '{"height":-1}'],
  ['/info', '[]'],
  ['/tx_anchor', '<html>'],
  ['/price/', '-5'],
  ['/price/', '1e9'],
  ['/wallet/', 'rich'],
  ['/graphql', 'null'],
  ['/graphql', '{"errors":[{"message":"no"}]}'],
  ['/graphql', '{"data":{"transactions":{"edges":[{"node":{}}]}}}'],
]

test.each(NONSENSE)('%s answered with %s is asked for again, so often, then it has a code', async (path, body) => {
  const wrong: Fault = { answer: 200, body }
  gateway.plan(path, wrong, wrong)
  await post(next())
  gateway.fault = (asked) => (asked.path.startsWith(path) ? wrong : undefined)
  gateway.asked.splice(0)
  const failing = path === '/graphql' ? () => allFound(archive, { a: 'b' }) : () => post(next())
  expect(await codeOf(failing)).toBe('archive-gateway-failed')
  expect(gateway.asked.filter((asked) => asked.path.startsWith(path)).length).toBe(5)
})

test('an upload that breaks goes on with the chunk that is missing', async () => {
  const prepared = await archive.prepare(large())
  let chunks = 0
  gateway.fault = ({ path }) => (path === '/chunk' && ++chunks > 1 ? { answer: 400 } : undefined)
  expect(await codeOf(() => archive.post(prepared, 'accepted'))).toBe('archive-post-refused')
  gateway.fault = () => undefined
  await archive.post(prepared, 'accepted')
  const offsets = gateway.asked.flatMap(({ path, body }) =>
    path === '/chunk' ? [(JSON.parse(body) as { offset: string }).offset] : [],
  )
  expect(offsets.length).toBe(new Set(offsets).size + 1)
  expect(gateway.count('POST', '/tx')).toBe(1)
  expect((await archive.read(prepared.id)).id).toBe(prepared.id)
})

test('chunks that the gateway lost are sent again before it counts as confirmed', async () => {
  const upload = large()
  const prepared = await archive.prepare(upload)
  let lost = 0
  gateway.fault = ({ path }) => (path === '/chunk' && lost++ < 2 ? { answer: 200 } : undefined)
  const stop = arlocal.mining(300)
  await archive.post(prepared, 1)
  await stop()
  expect(lost).toBeGreaterThan(2)
  expect((await archive.read(prepared.id)).data.equals(Buffer.from(upload.data))).toBe(true)
})

test('a wallet without balance, and a price over the limit, have codes and post nothing', async () => {
  const poor = await generateWallet('rsa')
  const opened = openArweaveArchive({ gateway: gateway.url, limits: FAST, signer: poor })
  expect(await codeOf(() => opened.prepare(next()))).toBe('archive-balance-low')
  await arlocal.mint(poor.address)
  await opened.post(await opened.prepare(next()), 'accepted')
  await opened.close()
  gateway.asked.splice(0)
  gateway.plan('/price/', { answer: 200, body: '1000000000001' })
  expect(await codeOf(() => archive.prepare(next()))).toBe('archive-fee-high')
  expect(gateway.count('POST', '/tx')).toBe(0)
})

test('a fee that the network refuses is an error that passes, and what expires is signed anew', async () => {
  gateway.plan('/price/', { answer: 200, body: '1' })
  const prepared = await archive.prepare(next())
  const isCheap = (body: string): boolean => (JSON.parse(body) as { reward: string }).reward === '1'
  gateway.fault = ({ path, body }) =>
    path === '/tx' && isCheap(body) ? { answer: 400, body: 'Transaction verification failed.' } : undefined
  expect(await codeOf(() => archive.post(prepared, 'accepted'))).toBe('archive-post-refused')
  await arlocal.mine(62)
  const replaced: string[] = []
  await archive.post(prepared, 'accepted', {
    onReplaced: async ({ id }) => void replaced.push(id),
  })
  expect(replaced.length).toBe(1)
  expect((await archive.read(replaced[0] as string)).data.toString()).toBe(`data ${n}`)
})

describe('what is not what was signed is refused', () => {
  let id: string
  beforeAll(async () => {
    id = await post(next('a text that is long enough to be changed'))
  })
  const changed = async (path: string, change: (bytes: Buffer) => Buffer): Promise<string> => {
    gateway.fault = (asked) => (asked.path === path ? { change } : undefined)
    return codeOf(() => archive.read(id))
  }
  const header = (change: (fields: Record<string, unknown>) => void) => (bytes: Buffer) => {
    const fields = JSON.parse(bytes.toString()) as Record<string, unknown>
    change(fields)
    return Buffer.from(JSON.stringify(fields))
  }

  test('its data: changed, shorter or longer', async () => {
    expect(await changed(`/${id}`, (bytes) => bytes)).toBe('none')
    const flipped = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(bytes[0]! ^ 1), bytes.subarray(1)])
    expect(await changed(`/${id}`, flipped)).toBe('archive-item-altered')
    expect(await changed(`/${id}`, (bytes) => bytes.subarray(1))).toBe('archive-item-altered')
    const longer = await changed(`/${id}`, (bytes) => Buffer.concat([bytes, bytes]))
    expect(longer).toBe('archive-gateway-failed')
  })

  test.each(['owner', 'signature', 'reward', 'data_size', 'data_root', 'last_tx', 'tags', 'format'])(
    'its header: another %s',
    async (name) => {
      const other = { tags: [{ name: 'eA', value: 'eQ' }], reward: '7', data_size: '7', format: 1 }
      const value: unknown = name in other ? other[name as keyof typeof other] : 'A'.repeat(43)
      const change = header((fields) => (fields[name] = value))
      expect(await changed(`/tx/${id}`, change)).toBe('archive-item-altered')
    },
  )

  test('and any JSON at all', async () => {
    for (const text of ['null', '[]', '7', '"x"', '{}', '{"format":2,"tags":[null]}']) {
      expect(await changed(`/tx/${id}`, () => Buffer.from(text))).toBe('archive-item-altered')
    }
  })

  test('once: what the gateway sends is no word on what was archived, and it is asked again', async () => {
    const flipped = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)])
    const reward = header((fields) => (fields['reward'] = '7'))
    const faults: readonly (readonly [string, Fault])[] = [
      [`/${id}`, { answer: 200, body: '{"he' }],
      [`/${id}`, { change: flipped }],
      [`/tx/${id}`, { change: reward }],
      [`/tx/${id}`, { answer: 200, body: '{}' }],
    ]
    for (const [path, fault] of faults) {
      gateway.plan(path, fault)
      const met = gateway.met
      expect((await archive.read(id)).data.toString()).toBe('a text that is long enough to be changed')
      expect(gateway.met).toBe(met + 1)
    }
  })

  test('what the search says it has, and has not the tags, is not found', async () => {
    const foreign = JSON.stringify({
      data: {
        transactions: {
          pageInfo: { hasNextPage: false },
          edges: [
            {
              cursor: 'x',
              node: { id, owner: { address: id }, data: { size: '1' }, tags: [{ name: 'a', value: 'c' }] },
            },
          ],
        },
      },
    })
    gateway.plan('/graphql', { answer: 200, body: foreign })
    expect(await allFound(archive, { a: 'b' })).toEqual([])
    const endless = foreign.replace('false', 'true').replace('"value":"c"', '"value":"b"')
    gateway.fault = ({ path }) => (path === '/graphql' ? { answer: 200, body: endless } : undefined)
    expect(await codeOf(() => allFound(archive, { a: 'b' }))).toBe('archive-gateway-failed')
  })
})

test('a flood of an answer ends at its limit', async () => {
  const flooded = openArweaveArchive({
    gateway: gateway.url,
    limits: { ...FAST, answerBytesMax: 1_000 },
  })
  gateway.fault = () => ({ answer: 200, body: `{"a":"${'x'.repeat(2_000)}"}` })
  expect(await codeOf(() => flooded.read('x'.repeat(43)))).toBe('archive-gateway-failed')
  await flooded.close()
})
