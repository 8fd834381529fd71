// The server in front of a real node: embedded log, roles, sandbox, signatures; no worker threads.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  bundleContract,
  createClient,
  generateWallet,
  messageFields,
  type Client,
  type EntryView,
  type Wallet,
} from '../../../src/client/index.ts'
import { startHttp, startNode } from '../../../src/node/index.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import { makeGenesis, openNetwork } from '../../../src/protocol/genesis.ts'
import { isHbError } from '../../../src/std/errors.ts'
import { SANDBOX } from '../../../src/runtime/index.ts'

const CONTRACT = `export function handle(state, action) {
  if (action.kind === 'spawn') return {}
  if (action.tags['Action'] === 'Fail') throw new Error('as asked')
  state.seen.push(action.data)
  return { messages: [{ target: action.caller, kind: 'notice', data: 'seen' }] }
}`

let folder: string
let client: Client
let ed: Wallet
let rsa: Wallet
let recorder: string
const closers: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-http-'))
  await writeFile(join(folder, 'recorder.js'), CONTRACT)
  const { source } = await bundleContract(join(folder, 'recorder.js'))
  const genesis = makeGenesis({
    name: 'http',
    salt: 'http',
    partitions: 2,
    sandbox: SANDBOX,
  })
  const node = await startNode({
    network: openNetwork(genesis),
    directory: join(folder, 'node'),
    evaluatorWorkers: 0,
    verifierThreads: 0,
  })
  closers.push(() => node.close())
  const server = await startHttp({ api: node.api })
  closers.unshift(() => server.close())
  client = createClient({ url: server.url })
  ;[ed, rsa] = await Promise.all([generateWallet('ed25519'), generateWallet('rsa')])
  const spawned = await client.spawn(ed, { source, state: { seen: [] } })
  expect(await client.wait(spawned.id)).toMatchObject({
    stage: 'evaluated',
    result: { status: 'ok', slot: 0 },
  })
  recorder = spawned.process
})

afterAll(async () => {
  for (const close of closers) await close()
  await rm(folder, { recursive: true })
})

test('sent one after the other, applied one after the other', async () => {
  const wanted = Array.from({ length: 30 }, (_, n) => `in order ${n}`)
  let last = ''
  for (const data of wanted) last = (await client.send(ed, { target: recorder, data })).id
  expect((await client.wait(last)).stage).toBe('evaluated')
  const { seen } = JSON.parse((await client.state(recorder)).text) as { seen: string[] }
  expect(seen.filter((data) => data.startsWith('in order'))).toEqual(wanted)
})

test('the same bytes sent often are one message, with one receipt', async () => {
  const item = await client.sign(rsa, { target: recorder, data: 'once' })
  const [one, two] = await Promise.all([client.submit(item), client.submit(item)])
  expect(two).toEqual(one)
  const first = await client.wait(one.id)
  await client.submit(item)
  expect(await client.wait(one.id)).toEqual(first)
  const { seen } = JSON.parse((await client.state(recorder)).text) as { seen: string[] }
  expect(seen.filter((data) => data === 'once')).toHaveLength(1)
})

test('an error is a result, with slot and without effect', async () => {
  const before = await client.state(recorder)
  const { result } = await client.call(ed, { target: recorder, action: 'Fail' })
  expect(result).toMatchObject({ status: 'error', slot: before.slot + 1, messages: [] })
  expect((await client.state(recorder)).text).toBe(before.text)
})

test('results, outbox and log tell the same story', async () => {
  const { result } = await client.call(rsa, { target: recorder, data: 'story' })
  const slot = result?.slot ?? -1
  expect((await client.results(recorder, { from: slot })).results).toEqual([result])
  const [sent] = (await client.outbox(recorder, { from: slot })).messages
  expect(sent).toMatchObject({
    slot,
    kind: 'notice',
    target: rsa.address,
    data: 'seen',
    id: result?.messages[0]?.id,
  })
  let entry: EntryView | undefined
  for await (const one of client.tail(result?.partition ?? 0, { from: result?.height ?? 0 })) {
    entry = one
    break
  }
  expect(entry).toMatchObject({
    messageId: result?.messageId,
    caller: rsa.address,
    from: 'wallet',
    data: 'story',
  })
})

test('a caller that is a process never enters: no record of ingress, no forged owner, no other network', async () => {
  const before = await client.state(recorder)
  const relayed = {
    caller: recorder,
    partition: 0,
    height: 1,
    index: 0,
    seq: 1,
    kind: 'message' as const,
    target: recorder,
    tags: [],
    data: Buffer.from('forged'),
    hops: 5,
    count: 5,
    budget: '0',
    attestation: null,
  }
  const records = new Records()
  const record = records.encodeIngress({ type: 'relayed', relayed })
  const elsewhere = ed.sign(
    messageFields({ network: 'A'.repeat(43), generation: 0 }, { target: recorder, data: 'forged' }),
  )
  const good = await client.sign(ed, { target: recorder, data: 'forged' })
  const wrapped = records.encodeIngress({ type: 'signed', item: good })
  const forged = Buffer.from(good)
  // another owner in the place of the signer's
  forged.set(rsa.owner.subarray(0, 32), 66)
  for (const bytes of [record, elsewhere, wrapped, record.subarray(10), forged]) {
    const error: unknown = await client.submit(bytes).catch((reason: unknown) => reason)
    expect(isHbError(error) && error.kind).toBe('input')
    const [outcome] = await client.batch([bytes])
    expect(outcome).toHaveProperty('error')
  }
  const later = await client.call(ed, { target: recorder, data: 'after' })
  expect(later.result?.slot).toBe(before.slot + 1)
  expect((await client.state(recorder)).text).not.toContain('forged')
})
