// A node on a memory log, through its one interface: submits, waits, queries, the tail, and its
// bounds.

import { afterEach, describe, expect, test } from '@jest/globals'
import type { Log } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Genesis } from '../../src/protocol/genesis.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { relayedRecord } from '../../src/protocol/codec/records.ts'
import type { RunningNode } from '../../src/node/index.ts'
import type { NodeOptions } from '../../src/node/index.ts'
import { composeNode } from '../../src/node/index.ts'
import type { EntryView, NodeApi, Submitted } from '../../src/node/api.ts'
import { HbError } from '../../src/std/errors.ts'
import type { Tag } from '../../src/protocol/message.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { ed25519Key, idOf, makeContent, signedItem } from '../protocol/fixtures.ts'
import { passing } from '../../src/log/passing/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { RECORDS, TOPICS } from './rig.ts'

const COUNTER = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  state.last = action.data
  if (action.tags['Fail']) throw new Error(action.tags['Fail'])
  if (action.tags['Send-To']) return { messages: [{ target: action.tags['Send-To'], data: 'on' }] }
}
`

const genesis: Genesis = makeGenesis({
  name: 'node test',
  salt: 's',
  partitions: 2,
  sandbox: SANDBOX,
  processes: [{ name: 'counter', engine: 'quickjs', source: COUNTER, state: { count: 0 } }],
})
const network = openNetwork(genesis)
const counter = network.processIds.get('counter') as string
const key = ed25519Key()
const item = (data: string, tags: readonly Tag[] = [], target = counter): Buffer =>
  signedItem(network, key, { target, tags, data })

function idOfSubmitted(submitted: Submitted | undefined): string {
  if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
  return submitted.id
}

describe('a node', () => {
  let log: Log
  let node: RunningNode
  afterEach(async () => {
    await node.close()
    await log.close()
  })

  async function open(
    change: Partial<NodeOptions> = {},
    wrap: (log: Log) => Log = (each) => each,
  ): Promise<NodeApi> {
    log = wrap(createMemoryLog({ drainTimeoutMs: 50 }))
    node = await composeNode({
      genesis,
      log,
      sequencerStore: createMemoryStore(),
      dreStore: createMemoryStore(),
      evaluatorWorkers: 0,
      verifierThreads: 0,
      ...change,
    })
    return node.api
  }

  test('a message is sequenced and evaluated; its result and state are shown', async () => {
    const api = await open()
    const [submitted] = await api.submit([item('hello')])
    const id = idOfSubmitted(submitted)
    const sequenced = await api.waitFor(id, 'sequenced', 5_000)
    expect(sequenced.receipt?.height).toBeGreaterThan(0)
    const done = await api.waitFor(id, 'result', 5_000)
    expect(done).toMatchObject({ id, stage: 'evaluated', result: { status: 'ok', slot: 1 } })
    expect(done.receipt).toEqual(sequenced.receipt)
    expect(await api.message(id)).toEqual(done)
    const state = await api.state(counter)
    expect(state?.text).toBe('{"count":2,"last":"hello"}')
    const process = await api.process(counter)
    expect(process).toMatchObject({ process: counter, name: 'counter', slot: 1, status: 'live' })
    expect(state?.stateHash).toBe(process?.stateHash)
    expect((await api.results(counter, 0, 10)).map(({ slot }) => slot)).toEqual([0, 1])
    expect((await api.processes()).map((each) => each.process)).toEqual([counter])
    expect(await api.message(idOf('unheard of'))).toBeUndefined()
    expect(await api.state(idOf('nobody'))).toBeUndefined()
  })

  test('one wallet’s messages keep the order of their submits', async () => {
    const api = await open()
    const ids: string[] = []
    const all: Promise<unknown>[] = []
    for (let n = 0; n < 120; n++) {
      const submit = api.submit([item(`n${n}`)])
      all.push(submit)
      if (n % 3 === 0) await submit
      void submit.then(([each]) => (ids[n] = idOfSubmitted(each)))
    }
    await Promise.all(all)
    await Promise.all(ids.map((id) => api.waitFor(id, 'result', 8_000)))
    const heights = await Promise.all(
      ids.map(async (id) => (await api.message(id))?.receipt?.height as number),
    )
    // each third was waited for before the next was sent: those and what follows them are in order
    for (let n = 0; n < 117; n += 3) expect(heights[n]).toBeLessThan(heights[n + 3] as number)
    for (let n = 0; n < 119; n += 3) expect(heights[n]).toBeLessThan(heights[n + 1] as number)
  })

  test('a repeat is answered with the first one’s place', async () => {
    const api = await open()
    const bytes = item('twice')
    const id = idOfSubmitted((await api.submit([bytes, bytes]))[0])
    const first = await api.waitFor(id, 'result', 5_000)
    await api.submit([bytes])
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(await api.waitFor(id, 'result', 5_000)).toEqual(first)
    expect((await api.state(counter))?.text).toContain('"count":2')
  })

  test('what is not as it must be is told, item by item; the others are kept', async () => {
    const api = await open()
    const forged = Buffer.from(item('forged'))
    forged[20] = (forged[20] as number) ^ 1
    const foreign = signedItem(network, key, {
      target: counter,
      tags: ['Network', 'HB-Network'].map((name) => ({ name, value: idOf('other') })),
      data: '',
    })
    const answers = await api.submit([Buffer.from('junk'), forged, foreign, item('good')])
    const codes = answers.map((each) => ('error' in each ? each.error.code : 'accepted'))
    expect(codes[1]).toBe('signature-invalid')
    expect(codes[0]).not.toBe('accepted')
    expect(codes[3]).toBe('accepted')
    const ends = await log.ends(TOPICS.ingress)
    const kept = codes.filter((code) => code === 'accepted').length
    expect(ends.reduce((sum, { end }) => sum + end, 0)).toBe(kept)
  })

  test('a message of a process never enters by the door', async () => {
    const api = await open()
    const content = makeContent({ target: counter })
    const origin = { partition: 0, height: 1, index: 0, seq: 1 }
    const relayed = relayedRecord(idOf('process'), origin, { ...content, seq: 1 })
    const record = RECORDS.encodeIngress({ type: 'relayed', relayed })
    // its wire form is no data item, and a wallet that names a process as its sender is a wallet
    // still
    const named = item('x', [
      { name: 'From-Process', value: idOf('process') },
      { name: 'Caller', value: idOf('process') },
    ])
    const [raw, wallet] = await api.submit([record, named])
    expect(raw).toHaveProperty('error')
    const { result } = await api.waitFor(idOfSubmitted(wallet), 'result', 5_000)
    expect(result?.status).toBe('ok')
    const entries = await collect(api, partitionOfEntry(wallet), 2)
    expect(entries[1]).toMatchObject({ from: 'wallet', kind: 'message' })
    expect(entries[1]?.caller).not.toBe(idOf('process'))
  })

  test('a full queue refuses all of a submit and keeps nothing of it', async () => {
    const api = await open({ limits: { ingress: { waitingRecordsMax: 3 } } })
    const items = Array.from({ length: 4 }, (_, n) => item(`f${n}`))
    const before = await log.ends(TOPICS.ingress)
    const error = await api.submit(items).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect((error as HbError).code).toBe('queue-full')
    expect(await log.ends(TOPICS.ingress)).toEqual(before)
    const answers = await api.submit(items.slice(0, 2))
    const known = answers.map(idOfSubmitted)
    for (const each of items.slice(2)) {
      const [again] = await api.submit([each])
      known.push(idOfSubmitted(again))
    }
    expect(new Set(known).size).toBe(4)
    for (const id of known) expect((await api.waitFor(id, 'result', 5_000)).stage).toBe('evaluated')
  })

  test('what did not get into ingress is not pending', async () => {
    const api = await open({ limits: { ingress: { retryMsMax: 30 } } }, (each) => ({
      ...passing(each),
      append: async (topic, partition, records) => {
        if (topic === TOPICS.ingress) throw new HbError('log-append-refused', 'full')
        return each.append(topic, partition, records)
      },
    }))
    const bytes = item('lost')
    const other = signedItem(network, key, { target: '', tags: spawnTags, data: spawnData })
    await expect(api.submit([bytes, other])).rejects.toThrow(HbError)
    expect(await api.message(signedMessage(network, bytes).id)).toBeUndefined()
    expect(await api.message(signedMessage(network, other).id)).toBeUndefined()
  })

  test('waits are bounded, end at their time, and when the node closes', async () => {
    const api = await open({ limits: { waits: { waitsMax: 2 } } })
    const never = idOf('never')
    expect(await api.waitFor(never, 'result', 20)).toEqual({ id: never, stage: 'pending' })
    const waits = [api.waitFor(never, 'result', 60_000), api.waitFor(never, 'sequenced', 60_000)]
    await expect(api.waitFor(never, 'result', 1_000)).rejects.toMatchObject({ code: 'queue-full' })
    await node.close()
    expect((await Promise.all(waits)).map(({ stage }) => stage)).toEqual(['pending', 'pending'])
  })

  test('refusals reach those who wait', async () => {
    const api = await open()
    const id = idOfSubmitted((await api.submit([item('late', [expired])]))[0])
    const status = await api.waitFor(id, 'result', 5_000)
    expect(status).toMatchObject({ stage: 'refused', refusal: { code: 'expired' } })
  })

  test('the tail gives each accepted entry once, in order, from any height', async () => {
    const api = await open()
    for (let n = 0; n < 20; n++) await api.submit([item(`t${n}`)])
    const last = await api.submit([item('end')])
    await api.waitFor(idOfSubmitted(last[0]), 'result', 5_000)
    const partition = partitionOfEntry(last[0])
    const entries = await collect(api, partition, 22)
    expect(entries.map(({ height }) => height)).toEqual(Array.from({ length: 22 }, (_, n) => n))
    expect(entries[0]).toMatchObject({ from: 'genesis', kind: 'spawn', process: counter })
    expect((await collect(api, partition, 3, 19)).map(({ height }) => height)).toEqual([19, 20, 21])
    const stop = new AbortController()
    const rest: EntryView[] = []
    const following = (async () => {
      for await (const each of api.tail(partition, 22, stop.signal)) rest.push(each)
    })()
    const next = await api.submit([item('more')])
    await api.waitFor(idOfSubmitted(next[0]), 'result', 5_000)
    await new Promise((resolve) => setTimeout(resolve, 30))
    stop.abort()
    await following
    expect(rest.map(({ height }) => height)).toEqual([22])
  })

  test('a contract that throws is a result; a message to nobody is one too', async () => {
    const api = await open()
    const fail = [{ name: 'Fail', value: 'no' }]
    const [failing, nowhere] = await api.submit([item('x', fail), item('x', [], idOf('nobody'))])
    const failed = await api.waitFor(idOfSubmitted(failing), 'result', 5_000)
    expect(failed.result).toMatchObject({ status: 'error', code: 'contract-error', slot: 1 })
    const lost = await api.waitFor(idOfSubmitted(nowhere), 'result', 5_000)
    expect(lost.result).toMatchObject({ status: 'error', code: 'process-not-found', slot: -1 })
  })

  test('closes in the middle of its work', async () => {
    const api = await open()
    const submits = Array.from({ length: 50 }, (_, n) => api.submit([item(`c${n}`)]))
    await submits[0]
    await node.close()
    await Promise.allSettled(submits)
    expect(api.health().ready).toBe(false)
  })

  test('what cannot start closes what it opened', async () => {
    await open()
    const broken = { ...passing(log), join: () => Promise.reject(new HbError('log-closed')) }
    const stores = { sequencerStore: createMemoryStore(), dreStore: createMemoryStore() }
    await expect(
      composeNode({ genesis, log: broken, ...stores, evaluatorWorkers: 1, verifierThreads: 1 }),
    ).rejects.toMatchObject({ code: 'log-closed' })
  })
})

const expired = { name: 'HB-Expires', value: '1000' }
const spawnTags = [{ name: 'HB-Type', value: 'Process' }]
const spawnData = JSON.stringify({ source: COUNTER, state: {} })

function partitionOfEntry(submitted: Submitted | undefined): number {
  if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
  return submitted.partition
}

async function collect(
  api: NodeApi,
  partition: number,
  count: number,
  from = 0,
): Promise<EntryView[]> {
  const stop = new AbortController()
  const entries: EntryView[] = []
  for await (const entry of api.tail(partition, from, stop.signal)) {
    entries.push(entry)
    if (entries.length === count) break
  }
  stop.abort()
  return entries
}
