// Nodes with some of the roles each, over HTTP: whatever is asked, of whichever node.

import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Wallet } from '../../src/client/index.ts'
import { createClient, generateWallet } from '../../src/client/index.ts'
import { grindNonce, makeGenesis } from '../../src/protocol/genesis.ts'
import { merged } from '../../src/node/message-search.ts'
import type { MessageStatus } from '../../src/node/index.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { idOf } from '../protocol/fixtures.ts'
import { passing } from '../../src/log/passing/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { Fleet, until, type FleetNode } from './fleet.ts'

const PARTITIONS = 4
/** Passes a message on to whom the tag names, and notices its caller. */
const SOURCE = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  const to = action.tags['Send-To']
  return { messages: to ? [{ target: to, data: 'on' }] : [] }
}`

const genesis = makeGenesis({
  name: 'network',
  salt: 'n',
  partitions: PARTITIONS,
  sandbox: SANDBOX,
  processes: Array.from({ length: PARTITIONS }, (_, partition) => ({
    name: `counter-${partition}`,
    nonce: grindNonce('n', `counter-${partition}`, partition, PARTITIONS),
    engine: 'quickjs' as const,
    source: SOURCE,
    state: {},
  })),
})

let fleet: Fleet
let wallet: Wallet
beforeEach(async () => {
  fleet = new Fleet(genesis)
  wallet ??= await generateWallet('ed25519')
})
afterEach(async () => {
  await fleet.close()
})

function counter(partition: number): string {
  return fleet.network.processIds.get(`counter-${partition}`) as string
}

async function raw(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { redirect: 'manual', headers })
  const text = await response.text()
  return {
    status: response.status,
    location: response.headers.get('location'),
    retry: response.headers.get('retry-after'),
    code: text === '' ? '' : (JSON.parse(text) as { error?: { code: string } }).error?.code,
  }
}

describe('three nodes', () => {
  let nodes: FleetNode[]
  beforeEach(async () => {
    nodes = [
      await fleet.start(['sequencer', 'relayer']),
      await fleet.start(['dre']),
      await fleet.start(['dre', 'sequencer']),
    ]
    await fleet.ready()
  })

  test('take and answer everything, whichever is asked', async () => {
    const sent: string[] = []
    for (const { client } of nodes) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const to = counter((partition + 1) % PARTITIONS)
        const spec = { target: counter(partition), tags: { 'Send-To': to } }
        const status = await client.call(wallet, spec)
        expect(status).toMatchObject({ stage: 'evaluated', result: { status: 'ok' } })
        expect(status.receipt).toMatchObject({ partition, height: status.result?.height })
        sent.push(status.id)
        // what a process sent is found by its id alone, and waited for before it is there
        const caused = status.result?.messages[0]?.id as string
        const later = await Promise.all(nodes.map((each) => each.client.wait(caused)))
        for (const each of later) expect(each.result).toMatchObject({ process: to, status: 'ok' })
      }
    }
    for (const id of sent) {
      const [first, ...others] = await Promise.all(nodes.map(({ client }) => client.message(id)))
      expect(first).toMatchObject({ stage: 'evaluated', receipt: {}, result: {} })
      for (const each of others) expect(each).toEqual(first)
    }
    const states = nodes.map(async ({ client }) => ({
      processes: (await client.processes()).processes,
      page: await client.processes({ limit: 2, after: [0, 1, 2, 3].map(counter).sort()[0] as string }),
      rows: await Promise.all(
        [0, 1, 2, 3].map(async (n) => [
          await client.process(counter(n)),
          await client.state(counter(n)),
          await client.results(counter(n), { from: 1, limit: 3 }),
          await client.outbox(counter(n)),
          await client.head(n),
        ]),
      ),
    }))
    const [first, ...others] = await Promise.all(states)
    expect(first?.processes.map(({ process }) => process)).toEqual([0, 1, 2, 3].map(counter).sort())
    expect(first?.page).toMatchObject({ processes: [{}, {}], next: expect.any(String) })
    expect(JSON.parse((await nodes[0]?.client.state(counter(0)))?.text ?? '')).toEqual({ count: 7 })
    for (const each of others) expect(each).toEqual(first)
  })

  test('the log of any partition is followed from any node', async () => {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const { client } of nodes) {
        const { result } = await client.call(wallet, { target: counter(partition) })
        const heights: number[] = []
        for await (const entry of client.tail(partition)) {
          if (heights.push(entry.height) === (result?.height ?? 0) + 1) break
        }
        expect(heights).toEqual([...heights.keys()])
      }
    }
  })

  test('307 to the owner with path and query; a request that was sent on is not sent on again', async () => {
    const [front] = nodes as [FleetNode]
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const owner = nodes.find(({ dre }) => dre?.owned(partition) !== undefined)
      const paths = ['', '/state', '/results?from=1&limit=2', '/outbox?limit=1'].map(
        (rest) => `/processes/${counter(partition)}${rest}`,
      )
      paths.push(`/log/stream?partition=${partition}&from=3`, `/log/head?partition=${partition}`)
      for (const path of paths) {
        const answer = await raw(`${front.url}${path}`)
        expect([answer.status, answer.location]).toEqual([307, `${owner?.url}${path}`])
        const again = await raw(`${front.url}${path}`, { 'hb-forwarded': '1' })
        expect([again.status, again.code, again.retry]).toEqual([503, 'process-unserved', '1'])
      }
    }
    expect((await raw(`${front.url}/processes/short`)).code).toBe('id-malformed')
    expect((await raw(`${front.url}/log/stream?partition=9`)).code).toBe('partition-unknown')
  })

  test('a refusal is told wherever it is waited for', async () => {
    for (const { client } of nodes) {
      for (const partition of [0, 1, 2, 3]) {
        const spec = { target: counter(partition), expires: 1_000 }
        const status = await client.call(wallet, spec, { timeoutMs: 5_000 })
        expect(status).toMatchObject({ stage: 'refused', refusal: { code: 'expired' } })
        const asked = await Promise.all(nodes.map((each) => each.client.message(status.id)))
        for (const each of asked) expect(each).toEqual(status)
      }
    }
  })

  test('what nobody heard of is unknown at every node, at once and after a wait', async () => {
    for (const { url } of nodes) {
      const path = `${url}/messages/${idOf('never')}`
      expect((await raw(path)).code).toBe('message-unknown')
      expect((await raw(`${path}?wait=result&timeout=50`)).code).toBe('message-unknown')
      expect((await raw(path, { 'hb-forwarded': '1' })).code).toBe('message-unknown')
    }
  })

  test('closing lets go who waits, and asks nobody any more', async () => {
    const [front] = nodes as [FleetNode]
    const waits = [1, 2, 3].map(() => front.api.waitFor(idOf('never'), 'result', 60_000))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const begun = Date.now()
    await front.stop()
    expect((await Promise.all(waits)).map(({ stage }) => stage)).toEqual(Array(3).fill('pending'))
    expect(Date.now() - begun).toBeLessThan(2_000)
  })
})

describe('partitions that move', () => {
  test('a wait follows them; so does who follows the log', async () => {
    const front = await fleet.start(['sequencer', 'relayer'])
    const first = await fleet.start(['dre'])
    await fleet.ready()
    const item = await front.client.sign(wallet, { target: counter(2) })
    const { id } = signedMessage(fleet.network, item)
    const heights: number[] = []
    const stop = new AbortController()
    const following = (async () => {
      for await (const entry of front.client.tail(2, { signal: stop.signal })) {
        heights.push(entry.height)
      }
    })()
    await until(() => heights.length === 1)
    const known = front.client.wait(id, { timeoutMs: 20_000 })
    const second = await fleet.start(['dre'])
    await fleet.ready()
    await first.stop()
    fleet.forget(first)
    const posted = front.client.call(wallet, { target: counter(2) }, { timeoutMs: 20_000 })
    await front.client.submit(item)
    expect((await known).result).toMatchObject({ process: counter(2), status: 'ok' })
    expect((await posted).stage).toBe('evaluated')
    await until(() => heights.length === 3)
    expect(heights).toEqual([0, 1, 2])
    stop.abort()
    await following
    expect(JSON.parse((await front.client.state(counter(2))).text)).toEqual({ count: 3 })
    expect(second.dre?.owned(2)).toBeDefined()
  })

  test('waited for before anybody evaluates', async () => {
    const front = await fleet.start(['sequencer'])
    await fleet.ready()
    const posted = front.client.call(wallet, { target: counter(1) }, { timeoutMs: 20_000 })
    await until(() => front.sequencer?.height(1) === 1)
    expect((await raw(`${front.url}/processes/${counter(1)}`)).code).toBe('process-unserved')
    expect((await raw(`${front.url}/processes`)).code).toBe('process-unserved')
    // not "never heard of": the DREs are not there to be asked
    expect((await raw(`${front.url}/messages/${idOf('never')}`)).code).toBe('process-unserved')
    await fleet.start(['dre'])
    expect(await posted).toMatchObject({ stage: 'evaluated', receipt: { partition: 1 } })
  })

  test('one that is being opened is served by nobody, and not by sending to and fro', async () => {
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    const { log } = fleet
    const slow = {
      ...passing(log),
      ends: async (topic: string) => (topic === 'hb.outbox' && (await opened), log.ends(topic)),
    }
    const front = await fleet.start(['sequencer'])
    const dre = await fleet.start(['dre'], { log: slow })
    await until(() => dre.api.health().partitions[0]?.dre === 'opening')
    const path = `/processes/${counter(0)}`
    expect(await raw(`${dre.url}${path}`)).toMatchObject({ status: 503, code: 'process-unserved' })
    expect(await raw(`${front.url}${path}`)).toMatchObject({ location: `${dre.url}${path}` })
    open()
    await fleet.ready()
    expect((await front.client.state(counter(0))).slot).toBe(0)
  })
})

describe('a peer that is not there', () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  /** An address where connections are taken and nothing is ever said. */
  async function nobodyAt(): Promise<string> {
    const sockets: Socket[] = []
    const server = createServer((socket) => void sockets.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test.each(['dead', 'frozen'])('%s: told, within the time that was given', async (kind) => {
    const peers = { peerTimeoutMs: 300, routeRefreshMsMin: 100 }
    const front = await fleet.start(['sequencer'], { limits: { peers } })
    const address = kind === 'dead' ? 'http://127.0.0.1:9' : await nobodyAt()
    await fleet.start(['dre'], { address })
    await fleet.ready()
    expect((await raw(`${front.url}/processes`)).code).toBe('peer-unreachable')
    const unknown = `${front.url}/messages/${idOf('never')}`
    expect(await raw(unknown)).toMatchObject({ status: 503, code: 'peer-unreachable', retry: '1' })
    const item = await front.client.sign(wallet, { target: counter(3) })
    const begun = Date.now()
    const response = await fetch(`${front.url}/messages?wait=result&timeout=700`, {
      method: 'POST',
      body: item as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': 'application/octet-stream' },
    })
    const status = (await response.json()) as MessageStatus
    expect([response.status, status.stage]).toEqual([202, 'sequenced'])
    expect(Date.now() - begun).toBeLessThan(1_700)
    // what is known is told, though the rest cannot be asked for
    expect((await front.client.message(status.id)).receipt).toEqual(status.receipt)
    const asking = front.api.waitFor(status.id, 'result', 60_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await front.stop()
    expect((await asking).stage).toBe('sequenced')
  })

  test('a client that is sent there is told that nobody serves, after trying again', async () => {
    const front = await fleet.start(['sequencer'])
    await fleet.start(['dre'], { address: 'http://127.0.0.1:9' })
    await fleet.ready()
    const client = createClient({ url: front.url, retryDelayMsMax: 20, unservedMsMax: 500 })
    await expect(client.state(counter(0))).rejects.toMatchObject({ code: 'process-unserved' })
  })

  test('requests to peers are bounded', async () => {
    const peers = { peerRequestsMax: 1, peerTimeoutMs: 300 }
    const front = await fleet.start(['sequencer'], { limits: { peers } })
    await fleet.start(['dre'], { address: await nobodyAt() })
    await fleet.ready()
    const asked = [1, 2, 3].map(() => raw(`${front.url}/messages/${idOf('never')}`))
    const codes = (await Promise.all(asked)).map(({ code }) => code)
    expect(codes.sort()).toEqual(['peer-unreachable', 'queue-full', 'queue-full'])
  })
})

test('a single unit asks nobody over HTTP', async () => {
  const one = await fleet.start(['sequencer', 'dre', 'relayer'])
  await fleet.ready()
  const item = await one.client.sign(wallet, {
    target: counter(0),
    tags: { 'Send-To': counter(1) },
  })
  const fetched = jest.spyOn(globalThis, 'fetch')
  try {
    const [submitted] = await one.api.submit([item])
    if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
    const status = await one.api.waitFor(submitted.id, 'result', 10_000)
    const caused = status.result?.messages[0]?.id as string
    expect((await one.api.waitFor(caused, 'result', 10_000)).stage).toBe('evaluated')
    expect(await one.api.message(idOf('never'))).toBeUndefined()
    expect(await one.api.waitFor(idOf('never'), 'result', 30)).toMatchObject({ stage: 'pending' })
    expect(await one.api.processes()).toHaveLength(PARTITIONS)
    expect(await one.api.servedAt(partitionOf(counter(2), PARTITIONS))).toBe('here')
    expect(fetched).not.toHaveBeenCalled()
  } finally {
    fetched.mockRestore()
  }
})

test('what two nodes know is put together: the furthest stage, each part from whoever has it', () => {
  const id = idOf('m')
  const receipt = { partition: 1, height: 2, hash: 'h', timestamp: 3 }
  const result = { partition: 1, height: 2 } as NonNullable<MessageStatus['result']>
  const refusal = { code: 'expired', text: 't' }
  const pending: MessageStatus = { id, stage: 'pending' }
  const sequenced: MessageStatus = { id, stage: 'sequenced', receipt }
  const evaluated: MessageStatus = { id, stage: 'evaluated', result }
  const refused: MessageStatus = { id, stage: 'refused', refusal }
  expect(merged(undefined, undefined)).toBeUndefined()
  const cases = [
    [pending, undefined, pending],
    [pending, sequenced, sequenced],
    [pending, refused, refused],
    [sequenced, evaluated, { id, stage: 'evaluated', receipt, result }],
    // refused once more after it was ordered (a late repeat): its place stands
    [sequenced, refused, sequenced],
    [refused, evaluated, evaluated],
  ] as const
  for (const [one, other, both] of cases) {
    expect(merged(one, other)).toEqual(both)
    expect(merged(other, one)).toEqual(both)
  }
})
