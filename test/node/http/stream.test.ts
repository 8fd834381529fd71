import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startHttp, type HttpLimits, type HttpServer } from '../../../src/node/http/index.ts'
import { FakeNode } from './fake-node.ts'

let node: FakeNode
let server: HttpServer
const errors: unknown[] = []
const sockets: Socket[] = []

async function start(limits: Partial<HttpLimits> = {}): Promise<void> {
  server = await startHttp({ api: node, limits, onError: (error) => errors.push(error) })
}

beforeEach(async () => {
  errors.length = 0
  node = new FakeNode()
  await start()
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

/** Reads the stream until so many entries came, and says their ids. */
async function ids(
  path: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<string[]> {
  const response = await fetch(`${server.url}${path}`, { headers })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  let text = ''
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const found = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => match[1] as string)
    if (found.length >= count) return found
  }
  throw new Error(`ended after ${text}`)
}

test('from the beginning, from a height, and resumed after the last seen; then what comes', async () => {
  for (let n = 0; n < 5; n++) node.append(1)
  expect(await ids('/log/stream?partition=1', 5)).toEqual(['0', '1', '2', '3', '4'])
  expect(await ids('/log/stream?partition=1&from=3', 2)).toEqual(['3', '4'])
  expect(await ids('/log/stream?partition=1&from=0', 2, { 'last-event-id': '2' })).toEqual([
    '3',
    '4',
  ])
  const later = ids('/log/stream?partition=1&from=5', 1)
  setTimeout(() => node.append(1), 20)
  expect(await later).toEqual(['5'])
})

test('the data is the entry, whatever it holds', async () => {
  const entry = node.append(0, {}, 'a\nid: 99\n\nevent: x\r\u2028')
  const response = await fetch(`${server.url}/log/stream`)
  let text = ''
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (text.endsWith('}\n\n')) break
  }
  expect(text.startsWith('retry: 1000\n\nid: 0\nevent: entry\ndata: ')).toBe(true)
  expect(JSON.parse(text.slice(text.indexOf('data: ') + 6))).toEqual(entry)
})

test.each([
  ['?partition=2', 404, 'partition-unknown'],
  ['?partition=x', 400, 'query-invalid'],
  ['?from=-1', 400, 'query-invalid'],
])('%s is refused', async (query, status, code) => {
  const response = await fetch(`${server.url}/log/stream${query}`)
  expect([
    response.status,
    ((await response.json()) as { error: { code: string } }).error.code,
  ]).toEqual([status, code])
})

test('a slow reader holds a bounded amount, and is cut off when it takes nothing for too long', async () => {
  await server.close()
  await start({ streamStallMsMax: 200 })
  const data = 'x'.repeat(100_000)
  for (let n = 0; n < 500; n++) node.append(0, {}, data)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write('GET /log/stream HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  await until(() => node.pulled > 0)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const held = node.pulled
  await new Promise((resolve) => setTimeout(resolve, 600))
  // nothing more was pulled than what the sockets' buffers took
  expect(node.pulled).toBe(held)
  expect(held).toBeLessThan(200)
  socket.resume()
  await closed
})

test('a reader that reads slowly but does read gets everything', async () => {
  await server.close()
  await start({ streamStallMsMax: 2_000 })
  const data = 'x'.repeat(50_000)
  for (let n = 0; n < 100; n++) node.append(0, {}, data)
  const response = await fetch(`${server.url}/log/stream`)
  let text = ''
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (text.includes('id: 99\n')) break
  }
  const heights = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))
  expect(heights).toEqual([...Array(100).keys()])
})

test('streams are bounded in number, and a place comes back when its reader goes', async () => {
  await server.close()
  await start({ streamsMax: 1 })
  const stop = new AbortController()
  const first = await fetch(`${server.url}/log/stream`, { signal: stop.signal })
  expect(first.status).toBe(200)
  const second = await fetch(`${server.url}/log/stream`)
  expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await second.text()).toContain('streams-too-many')
  stop.abort()
  let status = 503
  await until(async () => {
    const again = await fetch(`${server.url}/log/stream`)
    status = again.status
    await again.body?.cancel()
    return status === 200
  })
  expect(status).toBe(200)
})

test('a quiet stream says that it lives', async () => {
  await server.close()
  await start({ streamKeepAliveMs: 20 })
  const response = await fetch(`${server.url}/log/stream`)
  let text = ''
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (text.includes(': keep-alive')) break
  }
  expect(text).toContain(': keep-alive\n\n')
})

test('closing ends the streams', async () => {
  const response = await fetch(`${server.url}/log/stream`)
  const ended = response.text()
  await server.close()
  expect(await ended).toBe('retry: 1000\n\n')
})

test('what the log says when it cannot go on is the last event', async () => {
  node.tail = async function* () {
    throw new Error('private')
  }
  const text = await (await fetch(`${server.url}/log/stream`)).text()
  expect(text).toContain('event: error\ndata: {"code":"internal-error"')
  expect(text).not.toContain('private')
  expect(String(errors[0])).toContain('private')
})

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 5_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it never came')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
