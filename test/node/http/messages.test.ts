import { connect } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Records } from '../../../src/protocol/codec/records.ts'
import {
  frameBatch,
  generateWallet,
  messageFields,
  type MessageSpec,
  type Wallet,
} from '../../../src/client/index.ts'
import { startHttp, type HttpLimits, type HttpServer } from '../../../src/node/http/index.ts'
import { FakeNode } from './fake-node.ts'

type Body = {
  id: string
  stage: string
  error: { code: string; detail: string }
  results: Body[]
  result: { slot: number }
}

let wallet: Wallet
let node: FakeNode
let server: HttpServer
let echo: string
const errors: unknown[] = []

beforeAll(async () => {
  wallet = await generateWallet('ed25519')
})

async function start(limits: Partial<HttpLimits> = {}): Promise<void> {
  server = await startHttp({ api: node, limits, onError: (error) => errors.push(error) })
}

beforeEach(async () => {
  errors.length = 0
  node = new FakeNode()
  echo = node.network.processIds.get('echo') as string
  await start()
})

afterEach(async () => {
  await server.close()
})

function signed(spec: Partial<MessageSpec> = {}): Buffer {
  return wallet.sign(
    messageFields({ network: node.network.id, generation: 0 }, { target: echo, ...spec }),
  )
}

async function post(
  path: string,
  body: Uint8Array | string,
  type: string | null = 'application/octet-stream',
) {
  const headers: Record<string, string> = type === null ? {} : { 'content-type': type }
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
    headers,
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Body,
  }
}

describe('POST /messages', () => {
  test('a signed item is accepted with its id, process and partition', async () => {
    const { status, body } = await post('/messages', signed())
    expect(status).toBe(202)
    expect(body).toEqual({ id: node.accepted[0]?.id, process: echo, partition: expect.any(Number) })
    expect(node.accepted[0]?.caller).toBe(wallet.address)
  })

  test('messages sent one after the other keep their order', async () => {
    for (let n = 0; n < 20; n++) await post('/messages', signed({ data: String(n) }))
    const seen = node.accepted.map((one) => Number(Buffer.from(one.data).toString()))
    expect(seen).toEqual([...Array(20).keys()])
  })

  test('wait=result answers 200 with the result, and 202 with where it is at the timeout', async () => {
    const done = await post('/messages?wait=result', signed())
    expect([done.status, done.body.stage, done.body.result.slot]).toEqual([200, 'evaluated', 0])
    node.automatic = false
    const late = await post('/messages?wait=sequenced&timeout=30', signed())
    expect([late.status, late.body.stage]).toEqual([202, 'pending'])
  })

  test('a refusal ends the wait', async () => {
    node.automatic = false
    const asked = post('/messages?wait=result&timeout=20000', signed())
    while (node.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    node.refuse(node.accepted[0]?.id ?? '')
    expect(await asked).toMatchObject({
      status: 200,
      body: { stage: 'refused', refusal: { code: 'expired' } },
    })
  })

  test.each([
    '?wait=soon',
    '?wait=result&timeout=-1',
    '?wait=result&timeout=1e3',
    '?wait=result&timeout=60001',
  ])('%s is refused before anything is kept', async (query) => {
    const { status, body } = await post(`/messages${query}`, signed())
    expect([status, body.error.code, node.accepted.length]).toEqual([400, 'query-invalid', 0])
  })

  test('a full queue answers 503 with Retry-After, and keeps nothing', async () => {
    node.automatic = false
    node.room = 1
    await post('/messages', signed())
    const { status, headers, body } = await post('/messages?wait=result', signed())
    expect([status, headers.get('retry-after'), body.error.code]).toEqual([503, '1', 'queue-full'])
    expect(node.accepted).toHaveLength(1)
  })

  test('waits are bounded, and a refused one keeps nothing; places come back', async () => {
    await server.close()
    await start({ waitsMax: 2 })
    node.automatic = false
    const held = [post('/messages?wait=result', signed()), post('/messages?wait=result', signed())]
    while (node.waiting < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const third = await post('/messages?wait=result', signed())
    expect([third.status, third.headers.get('retry-after'), third.body.error.code]).toEqual([
      503,
      '1',
      'waits-too-many',
    ])
    expect(node.accepted).toHaveLength(2)
    node.turn()
    expect((await Promise.all(held)).map((one) => one.status)).toEqual([200, 200])
    node.automatic = true
    // a submit that fails gives its place back, too
    for (let n = 0; n < 5; n++) await post('/messages?wait=result', Buffer.from('nonsense'))
    expect((await post('/messages?wait=result', signed())).status).toBe(200)
  })

  test('bodies under way are bounded by bytes, and the bytes come back', async () => {
    await server.close()
    await start({ bodyBytesInFlightMax: 5_000 })
    node.automatic = false
    const big = signed({ data: 'x'.repeat(3_000) })
    const held = post('/messages?wait=result', big)
    while (node.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const other = await post('/messages', big)
    expect([other.status, other.body.error.code, node.accepted.length]).toEqual([
      503,
      'http-busy',
      1,
    ])
    node.turn()
    expect((await held).status).toBe(200)
    expect((await post('/messages', signed({ data: 'y'.repeat(3_000) }))).status).toBe(202)
  })
})

test('a sender that goes away in mid-body leaves no bytes counted', async () => {
  await server.close()
  await start({ bodyBytesInFlightMax: 5_000 })
  for (let n = 0; n < 5; n++) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const head = 'POST /messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n'
    socket.write(`${head}content-length: 4000\r\n\r\nhalf`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect((await post('/messages', signed({ data: 'y'.repeat(3_000) }))).status).toBe(202)
  expect(errors).toEqual([])
})

describe('what does not get in', () => {
  test('a record of the ingress topic in the name of a process', async () => {
    const relayed = {
      caller: echo,
      partition: 0,
      height: 7,
      index: 0,
      seq: 1,
      kind: 'message' as const,
      target: echo,
      tags: [],
      data: Buffer.from('{}'),
      hops: 5,
      count: 5,
      budget: '0',
      attestation: null,
    }
    const record = new Records().encodeIngress({ type: 'relayed', relayed })
    for (const bytes of [record, record.subarray(10), Buffer.concat([signed(), record])]) {
      const { status, body } = await post('/messages', Buffer.from(bytes))
      expect(status).toBe(400)
      expect(['item-malformed', 'signature-type-unsupported', 'signature-invalid']).toContain(
        body.error.code,
      )
      const batch = await post('/messages/batch', frameBatch([bytes]))
      expect(batch.status).toBe(400)
    }
    expect(node.accepted).toEqual([])
  })

  test('a process id as owner or in a tag: the caller is the hash of the key, whatever is claimed', async () => {
    await post('/messages', signed({ tags: { Caller: echo, From: echo, 'From-Process': echo } }))
    expect(node.accepted[0]).toMatchObject({ caller: wallet.address, from: 'wallet' })
  })

  test('any bytes and any broken item: 400 with a code, nothing kept, nothing thrown', async () => {
    const good = signed({ data: 'some data' })
    const broken = fc
      .record({ at: fc.nat(good.length - 1), bit: fc.integer({ min: 0, max: 7 }) })
      .map(({ at, bit }) => {
        const bytes = Buffer.from(good)
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
        return bytes
      })
    const cut = fc.nat(good.length - 1).map((at) => good.subarray(0, at))
    const any = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(fc.oneof(broken, cut, any), async (bytes) => {
        const { status, body } = await post('/messages', bytes)
        expect(status).toBe(400)
        expect(body.error.code).toMatch(/^[a-z-]+$/)
      }),
      { numRuns: 150 },
    )
    expect(node.accepted).toEqual([])
    expect(errors).toEqual([])
  })

  test('JSON, text, forms, no type', async () => {
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      'nonsense',
    ]) {
      const { status, body } = await post('/messages', signed(), type)
      expect([status, body.error.code]).toEqual([415, 'media-type-unsupported'])
    }
    expect((await post('/messages', signed(), null)).status).toBe(415)
    expect(node.accepted).toEqual([])
  })

  test('a body over the limit: 413, declared or not', async () => {
    const most = node.network.genesis.limits.messageBytesMax
    const over = await post('/messages', Buffer.alloc(most + 1))
    expect([over.status, over.body.error.code]).toEqual([413, 'body-too-large'])
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(most))
        controller.enqueue(new Uint8Array(1))
        controller.close()
      },
    })
    const headers = { 'content-type': 'application/octet-stream' }
    const init = { method: 'POST', body: stream, headers, duplex: 'half' } as RequestInit
    const chunked = await fetch(`${server.url}/messages`, init).then(
      (one) => one.status,
      () => 413,
    )
    expect(chunked).toBe(413)
    expect((await post('/messages', signed({ data: 'x'.repeat(most - 20_000) }))).status).toBe(202)
  })
})

describe('POST /messages/batch', () => {
  test('outcomes in order, each item for itself', async () => {
    const items = [signed({ data: 'a' }), Buffer.from('bad'), signed({ data: 'b' })]
    const { status, body } = await post('/messages/batch', frameBatch(items))
    expect(status).toBe(202)
    expect(body.results.map((one) => one.error?.code ?? one.id)).toEqual([
      node.accepted[0]?.id,
      'signature-type-unsupported',
      node.accepted[1]?.id,
    ])
  })

  test('all refused: 400, still with each outcome', async () => {
    const { status, body } = await post(
      '/messages/batch',
      frameBatch([Buffer.from('bad'), Buffer.from('x')]),
    )
    expect([status, body.results.length, body.error.code]).toEqual([
      400,
      2,
      'signature-type-unsupported',
    ])
  })

  test('capacity is for all or none', async () => {
    node.automatic = false
    node.room = 2
    const { status, headers, body } = await post(
      '/messages/batch',
      frameBatch([signed(), signed(), signed()]),
    )
    expect([status, headers.get('retry-after'), body.error.code]).toEqual([503, '1', 'queue-full'])
    expect(node.accepted).toEqual([])
  })

  test('bad framing keeps nothing', async () => {
    const whole = frameBatch([signed(), signed()])
    const empty = Buffer.alloc(4)
    for (const body of [
      whole.subarray(0, -1),
      Buffer.concat([whole, Buffer.from([0, 0])]),
      Buffer.concat([whole, empty]),
    ]) {
      expect((await post('/messages/batch', body)).body.error.code).toBe('batch-malformed')
    }
    expect((await post('/messages/batch', Buffer.alloc(0))).body.error.code).toBe('batch-malformed')
    expect(node.accepted).toEqual([])
  })

  test('too many items: 413', async () => {
    await server.close()
    await start({ batchItemsMax: 2 })
    const { status, body } = await post(
      '/messages/batch',
      frameBatch([signed(), signed(), signed()]),
    )
    expect([status, body.error.code, node.accepted.length]).toEqual([413, 'batch-too-many', 0])
  })
})
