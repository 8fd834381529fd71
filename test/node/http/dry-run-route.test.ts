import { request } from 'node:http'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createClient } from '../../../src/client/index.ts'
import { startHttp, type HttpServer } from '../../../src/node/http/index.ts'
import { FakeNode } from './fake-node.ts'

const CALLER = 'A'.repeat(43)
const JSON_TYPE = 'application/json'

let node: FakeNode
let server: HttpServer
let echo: string

beforeEach(async () => {
  node = new FakeNode()
  echo = node.network.processIds.get('echo') as string
  server = await startHttp({ api: node })
})
afterEach(() => server.close())

async function post(body: unknown, query = '', type = JSON_TYPE, id = echo) {
  const response = await fetch(`${server.url}/processes/${id}/dry-run${query}`, {
    method: 'POST',
    headers: { 'content-type': type },
    redirect: 'manual',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  const { status, headers } = response
  return { status, headers, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

test('the outcome, and with ?state=true the state after it', async () => {
  const spec = { caller: CALLER, action: 'Ping', tags: { A: 'b' }, data: { deep: [1] } }
  const plain = await post(spec)
  expect([plain.status, plain.body]).toMatchObject([
    200,
    { process: echo, slot: 3, stateHash: 'hash-of-it', status: 'ok', changes: '[["b",2]]' },
  ])
  expect(plain.body).not.toHaveProperty('state')
  const { body } = await post(spec, '?state=true')
  expect(body).toEqual({ ...plain.body, state: node.states.get(echo) })
  const failing = { ...spec, tags: [{ name: 'Fail', value: 'as asked' }] }
  expect(await post(failing)).toMatchObject({
    status: 200,
    body: { status: 'error', code: 'contract-error', text: 'as asked', messages: [] },
  })
  expect(node.accepted).toEqual([])
})

test.each([
  ['no caller', { action: 'Ping' }, '', 400, 'dry-run-malformed'],
  ['an unknown field', { caller: CALLER, target: CALLER }, '', 400, 'dry-run-malformed'],
  ['no JSON', '{', '', 400, 'json-malformed'],
  ['a key twice', `{"caller":"${CALLER}","caller":"${CALLER}"}`, '', 400, 'json-malformed'],
  ['too deep', `{"caller":"${CALLER}","data":${nested(65)}}`, '', 400, 'json-too-deep'],
  ['a state that is not kept', { caller: CALLER, atSlot: 1 }, '', 404, 'state-not-kept'],
  ['a query', { caller: CALLER }, '?state=yes', 400, 'query-invalid'],
  ['much', { caller: CALLER, data: 'x'.repeat(600_000) }, '', 413, 'body-too-large'],
  ['much as a message', { caller: CALLER, data: 'x'.repeat(300_000) }, '', 413, 'message-too-large'],
])('%s is refused', async (_what, body, query, status, code) => {
  expect(await post(body, query)).toMatchObject({ status, body: { error: { code } } })
})

test('a process that is not, an id that is none, a body that is no JSON', async () => {
  const spec = { caller: CALLER }
  const answers = await Promise.all([
    post(spec, '', JSON_TYPE, 'B'.repeat(42) + 'A'),
    post(spec, '', JSON_TYPE, 'abc'),
    post(spec, '', 'application/octet-stream'),
    post(spec, '', 'text/plain'),
  ])
  expect(answers.map(({ status, body }) => [status, (body['error'] as { code: string }).code]))
    .toEqual([
      [404, 'process-not-found'],
      [400, 'id-malformed'],
      [415, 'media-type-unsupported'],
      [415, 'media-type-unsupported'],
    ])
  // and JSON comes in nowhere else
  const message = await fetch(`${server.url}/messages`, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE },
    body: '{}',
  })
  expect(message.status).toBe(415)
})

test('a full node answers 503, and when to come again', async () => {
  node.room = 0
  const { status, headers, body } = await post({ caller: CALLER })
  expect([status, headers.get('retry-after')]).toEqual([503, '1'])
  expect(body).toMatchObject({ error: { code: 'dry-runs-too-many' } })
})

test('what another node serves is sent there, with the query, and goes whole', async () => {
  const other = server
  let asked = 0
  node.servedAt = async () => {
    asked += 1
    return asked === 1 ? other.url : 'here'
  }
  const sent = await post({ caller: CALLER }, '?state=true')
  const location = `${other.url}/processes/${echo}/dry-run?state=true`
  expect([sent.status, sent.headers.get('location')]).toEqual([307, location])
  asked = 0
  const client = createClient({ url: server.url })
  const run = await client.dryRun(echo, { caller: CALLER, data: Buffer.from([255]) }, { state: true })
  expect([run.status, run.state, asked]).toEqual(['ok', node.states.get(echo), 2])
})

test('a body that is announced too large is not read', async () => {
  const answer = await new Promise<number>((resolve, reject) => {
    const path = `${server.url}/processes/${echo}/dry-run`
    const headers = { 'content-type': JSON_TYPE, 'content-length': '99999999' }
    const asked = request(path, { method: 'POST', headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
      asked.destroy()
    })
    asked.on('error', reject)
    asked.write('{')
  })
  expect(answer).toBe(413)
})

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}
