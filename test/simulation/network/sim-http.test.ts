// HTTP between nodes: answered, refused, lost, slow, and never to or from the dead.

import { expect, test } from '@jest/globals'
import type { NodeApi } from '../../../src/node/index.ts'
import { HbError } from '../../../src/std/errors.ts'
import { Host } from '../world/host.ts'
import { SECOND, World } from '../world/world.ts'
import type { HttpFaults } from './sim-http.ts'
import { SimHttp } from './sim-http.ts'

type Outcome = { readonly status?: number; readonly text?: string; readonly failed?: string }

/** One asker and one node, whose api is what the test asks of it and nothing else. */
function network(faults: Partial<HttpFaults> = {}, seed = 1) {
  const world = new World(seed)
  const [asker, server] = [new Host(world, 'a'), new Host(world, 'b')]
  const api = {} as NodeApi
  const served = { host: server, api }
  const options = { isOn: true, lost: 0, slow: 0, ...faults }
  const http = new SimHttp(world, options, (at) => (at === 'http://b' ? served : undefined))
  const pass = (seconds: number): Promise<boolean> =>
    world.runUntil(() => false, world.now + seconds * SECOND)
  const stop = new AbortController()
  let outcome: Outcome | undefined
  let doneAt = -1
  const settle = (came: Outcome): void => {
    outcome = came
    doneAt = world.now
  }
  const ask = (what: (api: NodeApi) => Promise<unknown>, address = 'http://b'): void => {
    http.request(asker, address, stop.signal, what).then(settle, (error: unknown) => {
      settle({ failed: String(error) })
    })
  }
  const came = () => ({ outcome, doneAt })
  return { world, asker, server, api, http, pass, stop, ask, came }
}

test('what the node gives comes back as JSON, soon', async () => {
  const { ask, pass, came } = network()
  ask(async () => ({ a: 1 }))
  await pass(1)
  expect(came().outcome).toEqual({ status: 200, text: '{"a":1}' })
  expect(came().doneAt).toBeLessThan(0.01 * SECOND)
})

test('nothing is a 404, an error a 503 with its code', async () => {
  const [nothing, failing] = [network(), network()]
  nothing.ask(async () => undefined)
  failing.ask(() => Promise.reject(new HbError('log-closed')))
  await nothing.pass(1)
  await failing.pass(1)
  expect(nothing.came().outcome).toEqual({ status: 404, text: 'null' })
  expect(failing.came().outcome).toEqual({
    status: 503,
    text: '{"error":{"code":"log-closed"}}',
  })
})

test('where nobody listens, the connection is refused', async () => {
  const { ask, pass, came, server } = network()
  ask(async () => 1, 'http://nobody')
  await pass(1)
  expect(came().outcome).toEqual({ failed: 'Error: connection refused' })
  const dead = network()
  dead.server.die()
  dead.ask(async () => 1)
  await dead.pass(1)
  expect(dead.came().outcome).toEqual({ failed: 'Error: connection refused' })
  expect(server.isAlive).toBe(true)
})

test('lost, a request has no answer until the asker gives up', async () => {
  const { ask, pass, came, stop, world } = network({ lost: 1 })
  let served = false
  ask(async () => (served = true))
  await pass(100)
  expect([came().outcome, served]).toEqual([undefined, false])
  stop.abort()
  await pass(1)
  expect(came().outcome).toEqual({ failed: 'Error: aborted' })
  expect(world.situations.get('a request between nodes is lost')).toBe(1)
})

test('the answer alone may be lost, too: what was asked for is done', async () => {
  let doneUnheard = 0
  for (let seed = 0; seed < 40; seed++) {
    const { ask, pass, came } = network({ lost: 0.5 }, seed)
    let served = false
    ask(async () => (served = true))
    await pass(10)
    if (served && came().outcome === undefined) doneUnheard += 1
  }
  expect(doneUnheard).toBeGreaterThan(3)
})

test('slow, it takes up to seconds each way', async () => {
  const took: number[] = []
  for (let seed = 0; seed < 20; seed++) {
    const { ask, pass, came } = network({ slow: 1 }, seed)
    ask(async () => 1)
    await pass(10)
    took.push(came().doneAt)
  }
  expect(Math.min(...took)).toBeGreaterThan(0)
  expect(Math.max(...took)).toBeGreaterThan(2 * SECOND)
})

test('switched off, nothing is lost or slow', async () => {
  const { ask, pass, came, http } = network({ lost: 1, slow: 1 })
  http.faults.isOn = false
  ask(async () => 1)
  await pass(0.1)
  expect(came().outcome).toMatchObject({ status: 200 })
})

test('a node that dies while it works on a request never answers', async () => {
  const { ask, pass, came, server, world } = network()
  ask(() => new Promise((resolve) => world.after(SECOND, () => resolve(1))))
  await pass(0.5)
  server.die()
  await pass(10)
  expect(came().outcome).toBeUndefined()
})

test('a frozen node answers when it thaws, a frozen asker hears of it when it thaws', async () => {
  const { ask, pass, came, server, asker } = network()
  server.freeze()
  ask(async () => 1)
  await pass(5)
  expect(came().outcome).toBeUndefined()
  server.thaw()
  asker.freeze()
  await pass(5)
  expect(came().outcome).toBeUndefined()
  asker.thaw()
  await pass(1)
  expect(came().outcome).toMatchObject({ status: 200 })
})

test('`fetch` of a host asks the two questions of peers, and nothing else', async () => {
  const { http, asker, api, pass } = network()
  const asked: unknown[] = []
  Object.assign(api, {
    message: async (id: string, scope: string) => {
      asked.push([id, scope])
      return { stage: 'evaluated', id }
    },
    part: async (options: unknown) => {
      asked.push(options)
      return []
    },
  } satisfies Partial<Record<keyof NodeApi, unknown>>)
  const { signal } = new AbortController()
  const request = { headers: {}, signal, redirect: 'error' as const }
  const get = async (path: string): Promise<number | undefined> => {
    let status: number | undefined
    void http.fetchFrom(asker)(`http://b${path}`, request).then((got) => (status = got.status))
    await pass(1)
    return status
  }
  expect(await get('/messages/m?wait=result&timeout=5')).toBe(200)
  expect(await get('/processes?limit=3&after=p')).toBe(200)
  expect(await get('/elsewhere')).toBe(503)
  expect(asked).toEqual([
    ['m', 'node'],
    { limit: 3, after: 'p' },
  ])
})
