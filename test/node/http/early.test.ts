import { afterEach, expect, test } from '@jest/globals'
import { listenHttp, type EarlyHttpServer } from '../../../src/node/http/index.ts'
import { FakeNode } from './fake-node.ts'

let server: EarlyHttpServer

afterEach(() => server.close())

async function get(path: string) {
  const response = await fetch(`${server.url}${path}`)
  return { status: response.status, retry: response.headers.get('retry-after'), response }
}

test('before there is a node every request is told so; then all goes to it', async () => {
  const node = new FakeNode()
  server = await listenHttp({ network: node.network })
  for (const path of ['/healthz', '/readyz', '/network', '/processes', '/log/stream', '/nothing']) {
    const { status, retry, response } = await get(path)
    expect([path, status, retry]).toEqual([path, 503, '1'])
    expect(await response.json()).toMatchObject({ error: { code: 'node-starting' } })
  }
  const headers = { 'content-type': 'application/octet-stream' }
  const posted = await fetch(`${server.url}/messages`, { method: 'POST', body: 'x', headers })
  expect(posted.status).toBe(503)
  await posted.body?.cancel()
  server.serve(node)
  const { status, response } = await get('/readyz')
  expect(status).toBe(200)
  expect(await response.json()).toMatchObject({ ready: true, log: 'fake' })
})
