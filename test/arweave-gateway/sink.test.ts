// The sink on a gateway that fails now and then, drops what it took, or has a wallet without
// balance: every entry is archived once, and what it waits for shows in its state.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { ArweaveSink } from '../../connectors/arweave-sink/sink.ts'
import { listSegments } from '../../src/archive/catalogue.ts'
import type { Archive } from '../../src/archive/index.ts'
import { genesisUpload, openArweaveArchive, verifyPartition } from '../../src/archive/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { seededRandom } from '../../src/std/random.ts'
import { until } from '../node/fleet.ts'
import { GROUP, SinkRig, TOPIC } from '../connectors/arweave-sink/sink-rig.ts'
import { testNetwork } from '../protocol/fixtures.ts'
import { Arlocal } from './arlocal.ts'
import type { Fault } from './faulty-gateway.ts'
import { FaultyGateway } from './faulty-gateway.ts'

const FAULTS: readonly Fault[] = [
  { answer: 429, headers: { 'retry-after': '1' } },
  { answer: 502, body: '<html>' },
  { answer: 200, body: '{"he' },
  { cut: 'before' },
  { cut: 'after' },
]

let arlocal: Arlocal
let gateway: FaultyGateway
let stopMining: () => Promise<void>
beforeAll(async () => {
  arlocal = await Arlocal.start()
  gateway = await FaultyGateway.start(arlocal.url)
  stopMining = arlocal.mining(150)
  // one for all of the tests, who each have a wallet of their own
  const first = await generateWallet('rsa')
  await arlocal.mint(first.address)
  const archive = archiveOf(first)
  const genesis = genesisUpload(testNetwork({ partitions: 1 }))
  await archive.post(await archive.prepare(genesis), 'accepted')
  await archive.close()
})
afterAll(async () => {
  await stopMining()
  await gateway.close()
  await arlocal.close()
})

function archiveOf(signer: Wallet): Archive {
  const limits = {
    ...{ pollDelayMs: 20, repostDelayMs: 100, triesMax: 3 },
    ...{ retryDelayMs: 5, retryDelayMsMax: 20 },
  }
  return openArweaveArchive({ gateway: gateway.url, signer, limits })
}

function sinkOf(rig: SinkRig, archive: Archive): ArweaveSink {
  return rig.sink({ archive }, { heightsMax: 10, flushDelayMsMax: 100 }, 'hb', 1)
}

async function caughtUp({ log, failures }: SinkRig): Promise<void> {
  await until(async () => {
    if (failures.length > 0) throw failures[0]
    const [ends, committed] = [await log.ends(TOPIC), await log.committed(GROUP, TOPIC)]
    return ends[0]?.end === committed[0]
  })
}

async function archived(rig: SinkRig, archive: Archive): Promise<string[]> {
  const { network } = rig
  const owners = [archive.address as string]
  const { segments } = await listSegments(archive, { network, partition: 0 }, owners)
  const { height } = await verifyPartition({ archive, network, owners }, 0)
  return [`up to ${height}`, ...segments.map(({ range: { from, to } }) => `${from}-${to}`)]
}

const ALL = ['up to 34', '0-9', '10-19', '20-29', '30-34']

test('a gateway that fails one time in four, and a sink that is stopped again and again', async () => {
  const wallet = await generateWallet('rsa')
  await arlocal.mint(wallet.address)
  const archive = archiveOf(wallet)
  const rig = await new SinkRig([35]).plant()
  const random = seededRandom(7)
  let isFailing = true
  gateway.fault = () =>
    isFailing && random.below(4) === 0 ? FAULTS[random.below(FAULTS.length)] : undefined
  for (let round = 0; round < 4; round++) {
    const sink = sinkOf(rig, archive)
    await sink.start()
    await systemClock.sleep(150 * round)
    await sink.stop()
  }
  const sink = sinkOf(rig, archive)
  await sink.start()
  await caughtUp(rig)
  await sink.stop()
  isFailing = false
  expect(gateway.met).toBeGreaterThan(10)
  expect(rig.failures).toEqual([])
  expect(await archived(rig, archive)).toEqual(ALL)
  await archive.close()
  await rig.close()
})

test('what is dropped before it is confirmed is posted again', async () => {
  const wallet = await generateWallet('rsa')
  await arlocal.mint(wallet.address)
  const archive = archiveOf(wallet)
  const rig = await new SinkRig([35]).plant()
  const dropped = new Set<string>()
  gateway.fault = ({ method, path, body }) => {
    if (method !== 'POST' || path !== '/tx') return undefined
    const { id } = JSON.parse(body) as { id: string }
    if (dropped.has(id)) return undefined
    dropped.add(id)
    // taken, and gone
    return { answer: 200, body: 'OK' }
  }
  const sink = sinkOf(rig, archive)
  await sink.start()
  await caughtUp(rig)
  await sink.stop()
  expect(dropped.size).toBe(4)
  expect(rig.failures).toEqual([])
  expect(await archived(rig, archive)).toEqual(ALL)
  await archive.close()
  await rig.close()
})

test('an empty wallet shows, and once it is filled the sink goes on', async () => {
  gateway.fault = () => undefined
  const wallet = await generateWallet('rsa')
  const archive = archiveOf(wallet)
  const rig = await new SinkRig([35]).plant()
  const sink = sinkOf(rig, archive)
  await sink.start()
  await until(() => sink.states().get(0)?.error?.code === 'archive-balance-low')
  expect(sink.states().get(0)).toMatchObject({ state: 'RUNNING', height: -1 })
  await arlocal.mint(wallet.address)
  await caughtUp(rig)
  expect(sink.states().get(0)).toEqual({ state: 'RUNNING', height: 34 })
  await sink.stop()
  expect(await archived(rig, archive)).toEqual(ALL)
  await archive.close()
  await rig.close()
})
