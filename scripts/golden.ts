// Records a golden log: a network's log with what it must evaluate to, for every later version to
// replay.
//
//   npm run golden -- test/golden/<version>      refuses to overwrite: a recorded log is for ever
//
// What is recorded: the example flow, then refusals, bounces, spawns that work and that fail,
// contracts at their limits, a doubled message, and superseded records of a writer that lost its
// partition.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runFlow } from '../src/cli/demo/flow.ts'
import { marketGenesis } from '../src/cli/demo/market-genesis.ts'
import { createClient, generateWallet } from '../src/client/index.ts'
import type { Client, Wallet } from '../src/client/index.ts'
import { rebuild } from '../src/dre/index.ts'
import { createMemoryLog } from '../src/log/memory/index.ts'
import type { Log, StoredRecord } from '../src/log/port.ts'
import { composeNode, openEvaluator, startHttp } from '../src/node/index.ts'
import type { Network } from '../src/protocol/genesis.ts'
import { openNetwork } from '../src/protocol/genesis.ts'
import { resultLeaf } from '../src/protocol/result.ts'
import { merkleRoot } from '../src/protocol/merkle.ts'
import { toBase64Url } from '../src/std/bytes.ts'
import { systemClock } from '../src/std/clock.ts'
import { createMemoryStore } from '../src/store/memory/index.ts'

const PARTITIONS = 4
const TOPIC = 'hb.log'

const target = process.argv[2]
if (target === undefined) throw new Error('usage: npm run golden -- DIRECTORY')
if (existsSync(join(target, 'expected.json'))) throw new Error(`${target} is recorded already`)
mkdirSync(target, { recursive: true })

const wallets = { DMac: await generateWallet('rsa'), Sam: await generateWallet('ed25519') }
const genesis = await marketGenesis({
  salt: 'golden',
  dmac: wallets.DMac.address,
  sam: wallets.Sam.address,
  partitions: PARTITIONS,
  unbondingMs: 50,
})
const network = openNetwork(genesis)
const log = createMemoryLog()
const store = createMemoryStore()
const node = await composeNode({
  genesis,
  log,
  sequencerStore: store,
  dreStore: createMemoryStore(),
  evaluatorWorkers: 0,
  verifierThreads: 0,
})
const http = await startHttp({ api: node.api, port: 0 })
const client = createClient({ url: http.url, network: network.id })
const ids = {
  hyperCoin: network.processIds.get('hyper-coin') as string,
  hb: network.processIds.get('hb-contract') as string,
  u: network.processIds.get('u') as string,
  asset: network.processIds.get('asset') as string,
  ucm: network.processIds.get('ucm') as string,
}
await runFlow({
  client,
  clock: systemClock,
  wallets,
  ids,
  unbondingMs: 50,
  onStep: () => undefined,
})
await misfortunes(client, wallets.Sam)
await http.close()
await node.close()
await repeatRecords(log)

writeFileSync(join(target, 'genesis.json'), `${JSON.stringify(genesis)}\n`)
const expected = []
for (let partition = 0; partition < PARTITIONS; partition++) {
  const records = await allRecords(log, partition)
  const lines = records.map(({ key, value, timestamp }) =>
    JSON.stringify([key, value === null ? null : Buffer.from(value).toString('base64'), timestamp]),
  )
  writeFileSync(join(target, `log-${partition}.jsonl`), `${lines.join('\n')}\n`)
  expected.push(await expectedOf(network, log, partition))
}
writeFileSync(join(target, 'expected.json'), `${JSON.stringify(expected, null, 1)}\n`)

async function misfortunes(to: Client, wallet: Wallet): Promise<void> {
  const { asset, u } = ids
  await to.call(wallet, {
    target: u,
    action: 'Transfer',
    tags: { Recipient: asset, Quantity: '999999' },
  })
  await to.call(wallet, { target: u, action: 'Nonsense' })
  await to.call(wallet, { target: 'A'.repeat(43), action: 'Nobody' })
  const spawn = async (source: string, state: Record<string, unknown> = {}): Promise<string> =>
    (await to.spawn(wallet, { source, state })).process
  const bad = await spawn('this is no script')
  await to.call(wallet, { target: bad, action: 'Any' })
  const loop = await spawn(
    'exports.handle = (s, a) => { if (a.kind !== "spawn") for (;;); return {} }',
  )
  await to.call(wallet, { target: loop, action: 'Spin' })
  const source = `exports.handle = (s, a) => {
    if (a.kind === 'spawn') return {}
    s.log ??= []
    const isNow = new Date().getTime() === a.timestamp
    s.log.push([a.kind, a.tags.Action, a.timestamp > 0, Math.random() < 1, isNow])
    if (a.tags.Action === 'Tell') {
      const tags = { Action: 'Told', 'X-Tag': 'x' }
      return { messages: [{ target: a.tags.To, tags }] }
    }
    if (a.tags.Action === 'Told') throw new Error('not told')
    if (a.tags.Action === 'Make') {
      const source = 'exports.handle = (s) => { s.n = (s.n ?? 0) + 1; return {} }'
      const spawn = { kind: 'spawn', data: { source, state: { n: 1, '\\\\': 1, '"': 2 } } }
      return { messages: [spawn, { kind: 'event', data: 'made' }] }
    }
    return { status: 'ok' }
  }`
  const one = await spawn(source)
  const two = await spawn(source)
  await to.call(wallet, { target: one, action: 'Tell', tags: { To: two } })
  await to.call(wallet, { target: two, action: 'Tell', tags: { To: 'B'.repeat(43) } })
  await to.call(wallet, { target: one, action: 'Make' })
  const item = await to.sign(wallet, { target: one, action: 'Twice' })
  const { id } = await to.submit(item)
  await to.submit(item)
  await to.wait(id)
  await systemClock.sleep(500)
}

/**
 * What a writer that lost its partition may still append: entries that were appended before, and
 * garbage.
 */
async function repeatRecords(to: Log): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = await allRecords(to, partition)
    await to.append(TOPIC, partition, [
      ...records.slice(-3).map(({ key, value }) => ({ key, value })),
      { key: null, value: Buffer.from('no record of ours') },
    ])
  }
}

async function allRecords(from: Log, partition: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let at = 0; ;) {
    const read = await from.read(TOPIC, partition, at)
    if (read.records.length === 0) return records
    records.push(...read.records)
    at = read.next
  }
}

async function expectedOf(of: Network, from: Log, partition: number): Promise<unknown> {
  const evaluator = await openEvaluator(of, 0)
  const leaves: Buffer[] = []
  const part = await rebuild({
    network: of,
    log: from,
    partition,
    evaluator,
    store: createMemoryStore(),
    onResult: ({ result }) => leaves.push(resultLeaf(of.id, partition, result)),
  })
  await evaluator.close()
  return {
    partition,
    entries: part.entries,
    superseded: part.superseded,
    // over one leaf per height: place, status, gas, state hash and outbox of every result
    resultsRoot: toBase64Url(merkleRoot(leaves)),
    processes: Object.fromEntries(
      part.processes.map(({ process, slot, stateHash }) => [
        process,
        [slot, toBase64Url(stateHash)],
      ]),
    ),
  }
}
