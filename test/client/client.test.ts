import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type * as api from '../../src/node/api.ts'
import {
  createClient,
  generateWallet,
  type Client,
  type ClientOptions,
  type Wallet,
} from '../../src/client/index.ts'
import type * as views from '../../src/client/index.ts'
import { startHttp, type HttpLimits, type HttpServer } from '../../src/node/http/index.ts'
import { HbError, isHbError } from '../../src/std/errors.ts'
import { FakeNode, testNetwork } from '../node/http/fake-node.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
// Fails to compile where the client's picture of an answer is not the node's.
const SAME: [
  Same<views.MessageStatus, api.MessageStatus>,
  Same<views.ProcessView, api.ProcessView>,
  Same<views.StateView, api.StateView>,
  Same<views.DryRunView, api.DryRunView>,
  Same<views.EntryView, api.EntryView>,
  Same<views.NodeHealth, api.NodeHealth>,
] = [true, true, true, true, true, true]

let ed: Wallet
let rsa: Wallet
let node: FakeNode
let server: HttpServer
let client: Client
let echo: string
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  ;[ed, rsa] = await Promise.all([generateWallet('ed25519'), generateWallet('rsa')])
})

beforeEach(async () => {
  node = new FakeNode()
  echo = node.network.processIds.get('echo') as string
  await serve()
})

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function serve(
  limits: Partial<HttpLimits> = {},
  options: Partial<ClientOptions> = {},
): Promise<void> {
  server = await startHttp({ api: node, limits })
  closers.push(server.close)
  client = createClient({ url: server.url, retryDelayMsMax: 20, ...options })
}

/** A server that answers as it is told, for what a healthy node does not do. */
async function odd(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const http: Server = createServer(answer)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    http.closeAllConnections()
    return new Promise((resolve) => http.close(resolve))
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

async function failure(promise: Promise<unknown>): Promise<HbError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isHbError(error)) throw new Error(`no HbError but ${String(error)}`)
  return error
}

test('the types of answers are those of the node', () => {
  expect(SAME.every((one) => one)).toBe(true)
})

describe('sending', () => {
  test.each(['ed', 'rsa'] as const)('%s: send, wait, result', async (kind) => {
    const wallet = kind === 'ed' ? ed : rsa
    const { id, process, partition } = await client.send(wallet, {
      target: echo,
      action: 'Ping',
      data: { a: [1] },
    })
    const [message] = node.accepted
    expect([id, process]).toEqual([message?.id, echo])
    expect(partition).toBe((await client.process(echo)).partition)
    expect(message?.caller).toBe(wallet.address)
    expect(message?.tags).toEqual([
      { name: 'Action', value: 'Ping' },
      { name: 'HB-Network', value: node.network.id },
      { name: 'Content-Type', value: 'application/json' },
    ])
    expect(Buffer.from(message?.data ?? []).toString()).toBe('{"a":[1]}')
    expect(await client.wait(id)).toMatchObject({
      stage: 'evaluated',
      result: { status: 'ok', slot: 0 },
    })
  })

  test('the same message meant twice is two messages, the same bytes sent twice are one', async () => {
    await client.send(ed, { target: echo, data: 'same' })
    await client.send(ed, { target: echo, data: 'same' })
    expect(node.accepted).toHaveLength(2)
    const bytes = await client.sign(ed, { target: echo, data: 'same' })
    expect(await client.submit(bytes)).toEqual(await client.submit(bytes))
    expect(node.accepted).toHaveLength(3)
  })

  test('limits of the message are tags that the network reads', async () => {
    const expires = Date.now() + 60_000
    await client.send(ed, {
      target: echo,
      tags: [
        { name: 'X-A', value: '1' },
        { name: 'X-A', value: '2' },
      ],
      expires,
      hops: 3,
      count: 7,
      budget: '12',
    })
    expect(node.accepted[0]).toMatchObject({ expires, hops: 3, count: 7, budget: '12' })
    expect((await failure(client.send(ed, { target: echo, tags: { 'HB-Network': 'x' } }))).code).toBe(
      'tag-malformed',
    )
    expect((await failure(client.send(ed, { target: 'echo' }))).code).toBe('id-malformed')
  })

  test('spawn: the process is the message, its data source and state', async () => {
    const { id, process } = await client.spawn(ed, {
      source: 'exports.handle = 1',
      state: { n: 1 },
      tags: { Name: 'x' },
    })
    expect(process).toBe(id)
    expect(node.accepted[0]).toMatchObject({ kind: 'spawn', target: '' })
    expect(JSON.parse(Buffer.from(node.accepted[0]?.data ?? []).toString())).toEqual({
      source: 'exports.handle = 1',
      state: { n: 1 },
    })
  })

  test('call resolves with an error result: that is an answer', async () => {
    const status = await client.call(ed, { target: echo, tags: { Fail: 'no' } })
    expect(status.result).toMatchObject({ status: 'error', text: 'no' })
  })

  test('batch: an outcome for each, errors with their codes', async () => {
    const items = [
      await client.sign(ed, { target: echo }),
      Buffer.from('bad'),
      await client.sign(rsa, { target: echo }),
    ]
    const outcomes = await client.batch(items)
    expect(outcomes.map((one) => ('error' in one ? one.error.code : one.id))).toEqual([
      node.accepted[0]?.id,
      'signature-type-unsupported',
      node.accepted[1]?.id,
    ])
    const [only] = await client.batch([Buffer.from('bad')])
    expect(only !== undefined && 'error' in only && only.error instanceof HbError).toBe(true)
    expect(await client.batch([])).toEqual([])
  })

  test('a node of another network is refused before anything is signed', async () => {
    const other = createClient({ url: server.url, network: testNetwork('other').id })
    expect((await failure(other.send(ed, { target: echo }))).code).toBe('network-mismatch')
  })
})

describe('waiting', () => {
  test('until the timeout, then where it is', async () => {
    node.automatic = false
    const { id } = await client.send(ed, { target: echo })
    expect(await client.wait(id, { timeoutMs: 60 })).toEqual({ id, stage: 'pending' })
    const asked = client.wait(id, { timeoutMs: 10_000 })
    setTimeout(() => node.turn(), 30)
    expect((await asked).stage).toBe('evaluated')
  })

  test('the signal ends it', async () => {
    node.automatic = false
    const { id } = await client.send(ed, { target: echo })
    const stop = new AbortController()
    const asked = client.wait(id, { signal: stop.signal })
    setTimeout(() => stop.abort(), 30)
    await expect(asked).rejects.toThrow('abort')
    node.turn()
  })

  test('what the node never heard of: an error at the timeout, unless it comes until then', async () => {
    const id = 'A'.repeat(43)
    expect((await failure(client.wait(id, { timeoutMs: 50 }))).code).toBe('message-unknown')
    const asked = client.wait(id, { timeoutMs: 10_000 })
    while (node.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    node.refuse(id)
    expect((await asked).stage).toBe('refused')
  })
})

describe('trouble', () => {
  test('503: the same bytes again, after what Retry-After says, until there is room', async () => {
    node.automatic = false
    node.room = 1
    await client.send(ed, { target: echo })
    const slept: number[] = []
    const clock = {
      now: () => Date.now(),
      sleep: async (delayMs: number, signal?: AbortSignal) => {
        // the pause before a retry has no signal; the timer of a request has one
        if (signal !== undefined)
          return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        slept.push(delayMs)
        if (slept.length === 3) node.turn()
        return undefined
      },
    }
    const patient = createClient({ url: server.url, clock })
    await patient.send(ed, { target: echo })
    expect(slept).toEqual([1_000, 1_000, 1_000])
    expect(node.accepted).toHaveLength(2)
  })

  test("503 for ever: the node's own code in the end, nothing kept", async () => {
    node.automatic = false
    node.room = 0
    expect((await failure(client.send(ed, { target: echo }))).code).toBe('queue-full')
    expect((await failure(client.batch([await client.sign(ed, { target: echo })]))).code).toBe(
      'queue-full',
    )
    expect(node.accepted).toEqual([])
  })

  test('nobody there', async () => {
    await server.close()
    const { url } = server
    const error = await failure(createClient({ url, brokenRetriesMax: 1 }).health())
    expect([error.code, error.detail]).toEqual(['node-unreachable', `${url} (ECONNREFUSED)`])
    expect(() => createClient({ url: 'not an address' })).toThrow(HbError)
    expect(() => createClient({ url: 'file:///etc' })).toThrow(HbError)
  })

  test('a connection that breaks is tried again with the same bytes', async () => {
    const bodies: string[] = []
    const url = await odd((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString('hex'))
        if (bodies.length < 3) request.socket.destroy()
        else response.end('{"id":"a","process":"b","partition":0}')
      })
    })
    const bytes = await client.sign(ed, { target: echo })
    expect(await createClient({ url, retryDelayMsMax: 5 }).submit(bytes)).toMatchObject({ id: 'a' })
    expect(bodies).toEqual(Array(3).fill(bytes.toString('hex')))
  })

  test('too slow, no JSON, unknown codes, endless answers: each with a code', async () => {
    const slow = await odd(() => undefined)
    expect((await failure(createClient({ url: slow, requestTimeoutMs: 50 }).health())).code).toBe(
      'node-too-slow',
    )
    const html = await odd((_, response) => response.end('<html>'))
    expect((await failure(createClient({ url: html }).health())).code).toBe('response-malformed')
    const proxy = await odd((_, response) => response.writeHead(502).end('bad gateway'))
    expect((await failure(createClient({ url: proxy }).health())).code).toBe('response-malformed')
    const newer = await odd((_, response) =>
      response.writeHead(400).end('{"error":{"code":"from-the-future","message":"hm"}}'),
    )
    const error = await failure(createClient({ url: newer }).health())
    expect([error.code, error.detail]).toEqual(['node-error', 'from-the-future: hm'])
    const long = await odd((_, response) => response.end('x'.repeat(2_000)))
    expect(
      (await failure(createClient({ url: long, responseBytesMax: 1_000 }).health())).code,
    ).toBe('response-malformed')
    const polluted = await odd((_, response) =>
      response.writeHead(400).end('{"error":{"code":"constructor"}}'),
    )
    expect((await failure(createClient({ url: polluted }).health())).code).toBe('node-error')
  })
})

test('reading: state with slot and hash, pages, health', async () => {
  expect(await client.state(echo)).toEqual({
    process: echo,
    slot: 3,
    stateHash: 'hash-of-it',
    text: node.states.get(echo),
  })
  await client.send(ed, { target: echo })
  expect((await client.results(echo)).results).toHaveLength(1)
  expect((await client.outbox(echo, { from: 0, limit: 1 })).messages[0]).toMatchObject({
    slot: 0,
    index: 0,
    data: 'sent',
  })
  expect((await client.processes()).processes.map((one) => one.process)).toEqual([echo])
  expect(await client.health()).toMatchObject({ ready: true })
  expect((await failure(client.state('A'.repeat(43)))).code).toBe('process-not-found')
})

describe('following the log', () => {
  test('all there is, then what comes; the signal ends it quietly', async () => {
    for (let n = 0; n < 3; n++) node.append(1, {}, `entry ${n}\nwith lines`)
    const stop = new AbortController()
    const seen: string[] = []
    for await (const entry of client.tail(1, { from: 1, signal: stop.signal })) {
      seen.push(entry.data)
      if (seen.length === 2) setTimeout(() => node.append(1, {}, 'later'), 10)
      if (seen.length === 3) stop.abort()
    }
    expect(seen).toEqual(['entry 1\nwith lines', 'entry 2\nwith lines', 'later'])
    await until(() => node.waiting === 0)
  })

  test('goes on by itself, without gap or repeat, when the node restarts', async () => {
    for (let n = 0; n < 3; n++) node.append(0)
    const port = Number(new URL(server.url).port)
    const heights: number[] = []
    for await (const entry of client.tail(0)) {
      heights.push(entry.height)
      if (heights.length === 3) {
        await server.close()
        server = await startHttp({ api: node, port })
        closers.push(server.close)
        node.append(0)
      }
      if (heights.length === 4) break
    }
    expect(heights).toEqual([0, 1, 2, 3])
  })

  test('a stream that leaves a height out is not believed', async () => {
    const url = await odd((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(
        'id: 0\nevent: entry\ndata: {"height":0}\n\nid: 2\nevent: entry\ndata: {"height":2}\n\n',
      )
    })
    const read = async (): Promise<void> => {
      for await (const entry of createClient({ url }).tail(0)) expect(entry.height).toBe(0)
    }
    expect((await failure(read())).code).toBe('response-malformed')
  })

  test('an error that lasts ends it, a place that is wrong too', async () => {
    node.tail = async function* () {
      throw new HbError('log-position-out-of-range', 'height 0')
    }
    expect((await failure(client.tail(0).next())).code).toBe('log-position-out-of-range')
    expect((await failure(client.tail(9).next())).code).toBe('partition-unknown')
  })

  test('nobody there for too long', async () => {
    await server.close()
    expect((await failure(client.tail(0, { resumeMsMax: 100 }).next())).code).toBe(
      'node-unreachable',
    )
  })
})

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it never came')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('several nodes', () => {
  test('what is sent on goes whole: method, body and type; the answer is the other one’s', async () => {
    const seen: string[] = []
    const sender = await odd((request, response) => {
      seen.push([request.method, request.url, request.headers['hb-forwarded']].join(' '))
      request.resume()
      response.writeHead(307, { location: `${server.url}${request.url}` }).end()
    })
    const moved = createClient({ url: sender })
    const { id } = await moved.send(ed, { target: echo, data: 'whole' })
    expect(Buffer.from(node.accepted[0]?.data ?? []).toString()).toBe('whole')
    expect((await moved.wait(id)).stage).toBe('evaluated')
    expect((await moved.results(echo, { from: 0, limit: 5 })).results).toHaveLength(1)
    node.append(1)
    for await (const entry of moved.tail(1)) {
      expect(entry.height).toBe(0)
      break
    }
    expect(seen).toContain('POST /messages ')
    expect(seen).toContain(`GET /processes/${echo}/results?from=0&limit=5 `)
  })

  test('never for ever: after some times the other must answer itself', async () => {
    const forwarded: unknown[] = []
    const url = await odd((request, response) => {
      forwarded.push(request.headers['hb-forwarded'])
      const body = '{"error":{"code":"process-unserved"}}'
      if (forwarded.at(-1) === '1') response.writeHead(503).end(body)
      else response.writeHead(307, { location: request.url }).end()
    })
    const error = await failure(createClient({ url, busyRetriesMax: 0 }).health())
    expect(error.code).toBe('process-unserved')
    expect(forwarded).toEqual([undefined, undefined, undefined, '1'])
    const stubborn = await odd((request, response) =>
      response.writeHead(307, { location: request.url }).end(),
    )
    expect((await failure(createClient({ url: stubborn }).health())).code).toBe('response-malformed')
    const elsewhere = await odd((_, response) =>
      response.writeHead(307, { location: 'file:///etc/passwd' }).end(),
    )
    expect((await failure(createClient({ url: elsewhere }).health())).code).toBe(
      'response-malformed',
    )
  })

  test('a partition that moves is awaited, however often it is not served yet', async () => {
    let asked = 0
    let servedAt = 10
    const url = await odd((_, response) => {
      asked += 1
      if (asked >= servedAt) response.writeHead(200).end('{"network":"n"}')
      else response.writeHead(503).end('{"error":{"code":"process-unserved"}}')
    })
    const quick = { url, busyRetriesMax: 1, retryDelayMsMax: 5 }
    expect(await createClient(quick).health()).toEqual({ network: 'n' })
    expect(asked).toBe(10)
    servedAt = Infinity
    asked = 0
    const error = await failure(createClient({ ...quick, unservedMsMax: 0 }).health())
    expect([error.code, asked]).toEqual(['process-unserved', 2])
    expect((await failure(createClient({ ...quick, unservedMsMax: 40 }).health())).code).toBe(
      'process-unserved',
    )
    // other refusals are not waited out
    asked = 0
    const full = await odd((_, response) => {
      asked += 1
      response.writeHead(503).end('{"error":{"code":"node-stopping"}}')
    })
    expect((await failure(createClient({ ...quick, url: full }).health())).code).toBe('node-stopping')
    expect(asked).toBe(2)
  })

  test('the next address is taken when one is not there, or has no room', async () => {
    const full = await odd((_, response) =>
      response.writeHead(503, { 'retry-after': '0' }).end('{"error":{"code":"node-stopping"}}'),
    )
    const gone = 'http://127.0.0.1:9'
    const many = createClient({ url: [gone, full, server.url], brokenRetriesMax: 0 })
    expect(many.url).toBe(gone)
    const status = await many.call(ed, { target: echo })
    expect(status.stage).toBe('evaluated')
    const two = createClient({ url: [gone, server.url] })
    for await (const entry of two.tail(status.result?.partition ?? 0)) {
      expect(entry.height).toBe(0)
      break
    }
    const none = createClient({ url: [gone, gone], retryDelayMsMax: 5 })
    expect((await failure(none.health())).code).toBe('node-unreachable')
    expect(() => createClient({ url: [] })).toThrow(HbError)
  })

  test('a stream that was quiet for long and breaks is resumed all the same', async () => {
    let opened = 0
    const url = await odd((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('retry: 1000\n\n')
      opened += 1
      if (opened === 1) setTimeout(() => request.socket.destroy(), 150)
      else response.write('id: 0\nevent: entry\ndata: {"height":0}\n\n')
    })
    for await (const { height } of createClient({ url }).tail(0, { resumeMsMax: 50 })) {
      expect([height, opened]).toEqual([0, 2])
      break
    }
  })
})
