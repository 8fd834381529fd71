import { connect } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  generateWallet,
  messageFields,
  spawnFields,
  type Wallet,
} from '../../../src/client/index.ts'
import { startHttp, type HttpServer } from '../../../src/node/http/index.ts'
import { isHbError } from '../../../src/std/errors.ts'
import { FakeNode } from './fake-node.ts'

let wallet: Wallet
let node: FakeNode
let server: HttpServer
let echo: string
const errors: unknown[] = []
const NOBODY = 'A'.repeat(43)

beforeAll(async () => {
  wallet = await generateWallet('ed25519')
})

beforeEach(async () => {
  errors.length = 0
  node = new FakeNode()
  echo = node.network.processIds.get('echo') as string
  server = await startHttp({
    api: node,
    limits: { pageMax: 3, requestTimeoutMs: 300 },
    onError: (one) => errors.push(one),
  })
})

afterEach(async () => {
  await server.close()
})

type Row = { process: string; slot: number; index: number; data: string }
type Pages = Partial<Record<'processes' | 'results' | 'messages', Row[]>> & Record<string, unknown>

async function get(path: string) {
  const response = await fetch(`${server.url}${path}`)
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: JSON.parse(text) as Pages,
  }
}

function place() {
  return { network: node.network.id, generation: 0 }
}

async function sendMany(count: number): Promise<string[]> {
  const items = Array.from({ length: count }, (_, n) =>
    wallet.sign(messageFields(place(), { target: echo, data: String(n) })),
  )
  await node.submit(items)
  return node.accepted.map((one) => one.id)
}

describe('messages', () => {
  test('status of one, 404 for one never heard of, 400 for what is no id', async () => {
    const [id] = await sendMany(1)
    expect(await get(`/messages/${id ?? ''}`)).toMatchObject({
      status: 200,
      body: { stage: 'evaluated' },
    })
    expect(await get(`/messages/${NOBODY}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'message-unknown' } },
    })
    expect(await get('/messages/abc')).toMatchObject({
      status: 400,
      body: { error: { code: 'id-malformed' } },
    })
  })

  test('wait on one that is on its way', async () => {
    node.automatic = false
    const [id = ''] = await sendMany(1)
    expect(await get(`/messages/${id}?wait=result&timeout=20`)).toMatchObject({
      status: 202,
      body: { stage: 'pending' },
    })
    const asked = get(`/messages/${id}?wait=result&timeout=10000`)
    setTimeout(() => node.turn(), 20)
    expect(await asked).toMatchObject({ status: 200, body: { stage: 'evaluated' } })
  })
})

describe('processes', () => {
  test('pages, each process once', async () => {
    for (let n = 0; n < 4; n++)
      await node.submit([wallet.sign(spawnFields(place(), { source: `${n}` }))])
    const first = await get('/processes?limit=3')
    const rest = await get(`/processes?limit=3&after=${String(first.body['next'])}`)
    const seen = [first, rest].flatMap((page) => page.body.processes?.map((one) => one.process))
    expect(seen).toEqual([...node.states.keys()].sort())
    expect(rest.body).not.toHaveProperty('next')
  })

  test('the state is the text as it is, with slot and hash in the headers', async () => {
    const { text, headers } = await get(`/processes/${echo}/state`)
    expect(text).toBe(node.states.get(echo))
    expect([headers.get('hb-slot'), headers.get('hb-state-hash')]).toEqual(['3', 'hash-of-it'])
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  })

  test('results and outbox by slot, in pages', async () => {
    await sendMany(5)
    const first = await get(`/processes/${echo}/results?limit=3`)
    expect(first.body.results?.map((one) => one.slot)).toEqual([0, 1, 2])
    expect(first.body['next']).toBe(3)
    const rest = await get(`/processes/${echo}/outbox?limit=3&from=3`)
    expect(rest.body.messages?.map((one) => [one.slot, one.index, one.data])).toEqual([
      [3, 0, 'sent'],
      [4, 0, 'sent'],
    ])
    expect(rest.body).not.toHaveProperty('next')
  })

  test.each(['', '/state', '/results', '/outbox'])(
    '404 for one that does not exist: %s',
    async (path) => {
      expect(await get(`/processes/${NOBODY}${path}`)).toMatchObject({
        status: 404,
        body: { error: { code: 'process-not-found' } },
      })
    },
  )

  test.each([
    '?limit=0',
    '?limit=4',
    '?limit=x',
    '?from=-1',
    '?from=1.5',
    '?limit=1&limit=2',
    '?from=99999999999999999',
  ])('a page is asked for in whole numbers: %s', async (query) => {
    expect(await get(`/processes/${echo}/results${query}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'query-invalid' } },
    })
  })
})

describe('the node itself', () => {
  test('health, readiness, network', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { network: node.network.id } })
    expect(await get('/readyz')).toMatchObject({ status: 200 })
    node.ready = false
    expect((await get('/readyz')).status).toBe(503)
    expect((await get('/readyz')).headers.get('retry-after')).toBe('1')
    expect((await get('/healthz')).status).toBe(200)
    const { body } = await get('/network')
    expect(body).toMatchObject({
      network: node.network.id,
      generation: 0,
      partitions: 2,
      processes: { echo },
      http: { pageMax: 3 },
    })
    expect(body['limits']).toEqual(node.network.genesis.limits)
  })

  test('nothing there: 404 in the same form', async () => {
    for (const path of ['/', '/nothing', '/messages/batch/x', '/processes/%2e%2e/state/x']) {
      expect(await get(path)).toMatchObject({
        status: 404,
        body: { error: { code: 'route-unknown' } },
      })
    }
  })

  test('what was not foreseen says nothing to the asker and all to the operator', async () => {
    node.process = async () => {
      throw new Error('secret path /etc/hb')
    }
    const { status, text } = await get(`/processes/${echo}`)
    expect(status).toBe(500)
    expect(text).not.toContain('secret')
    expect(text).toContain('internal-error')
    expect(String(errors[0])).toContain('secret path')
  })

  test('broken HTTP and a sender that never finishes get a code and the end of the line', async () => {
    expect(await raw('nonsense\r\n\r\n')).toContain('body-malformed')
    expect(
      await raw(
        'POST /messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 10\r\n\r\nabc',
      ),
    ).toContain('request-too-slow')
  })
})

test('an address that is in use is an error with a code', async () => {
  const port = Number(new URL(server.url).port)
  const failure: unknown = await startHttp({ api: node, port }).catch((error: unknown) => error)
  expect(isHbError(failure, 'listen-failed')).toBe(true)
})

test('closing lets waiters go with where their message is, and twice is once', async () => {
  node.automatic = false
  const [id = ''] = await sendMany(1)
  const asked = get(`/messages/${id}?wait=result&timeout=50000`)
  while (node.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const began = Date.now()
  await Promise.all([server.close(), server.close()])
  expect(await asked).toMatchObject({ status: 202, body: { stage: 'pending' } })
  expect(Date.now() - began).toBeLessThan(3_000)
  await expect(fetch(server.url)).rejects.toThrow()
  node.turn()
})

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
