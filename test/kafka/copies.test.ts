// The log of a network on brokers is all there is to it: evaluated on an embedded log, or copied to
// other topics at other offsets, it gives the same states, hash for hash.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { rebuild } from '../../src/dre/index.ts'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import { agreeOnNetwork, composeNode, openEvaluator } from '../../src/node/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { hb } from '../cli/terminal-double.ts'
import { until } from '../node/fleet.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

type Hashes = Record<string, string>

describeKafka('copies of a log', () => {
  let log: Log
  let network: Network
  let applicationId: string
  let folder: string
  let live: Hashes

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hb-copies-'))
    const { bootstrapServers } = await sharedKafka()
    const { out } = await hb(['demo', '--json', '--bootstrap-server', bootstrapServers])
    applicationId = (JSON.parse(out.at(-1) ?? '') as { applicationId: string }).applicationId
    log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    const make = () => Promise.reject(new Error('the demo has left its network there'))
    network = await agreeOnNetwork({ log, applicationId, clock: systemClock, own: undefined, make })
    live = await hashesOf(log, applicationId)
  }, 120_000)

  afterAll(async () => {
    await log.close()
    await rm(folder, { recursive: true })
  })

  async function hashesOf(from: Log, application: string): Promise<Hashes> {
    const evaluator = await openEvaluator(network, 0)
    const hashes: Hashes = {}
    for (let partition = 0; partition < network.genesis.partitions; partition++) {
      const store = createMemoryStore()
      const options = { network, log: from, partition, evaluator, store }
      const rebuilt = await rebuild({ ...options, applicationId: application })
      for (const { process, slot, stateHash } of rebuilt.processes) {
        hashes[process] = `${slot} ${toBase64Url(stateHash)}`
      }
    }
    await evaluator.close()
    return hashes
  }

  /** Every partition of the log begins some offsets later than the original. */
  async function copyTo(target: Log, application: string): Promise<void> {
    const [from, to] = [topicNames(applicationId).log, topicNames(application).log]
    const { partitions } = network.genesis
    await target.provision(topicSpecs(topicNames(application), partitions))
    for (let partition = 0; partition < partitions; partition++) {
      const junk = Array.from({ length: 3 + partition }, () => ({ key: 'junk', value: null }))
      await target.append(to, partition, junk)
      await target.trim(to, partition, junk.length)
      for (let at = 0; ; ) {
        const { records, next } = await log.read(from, partition, at)
        if (records.length === 0) break
        const batch = records.map(({ key, value, headers = {} }) => ({ key, value, headers }))
        await target.append(to, partition, batch)
        at = next
      }
    }
  }

  test('on an embedded log', async () => {
    expect(Object.keys(live).length).toBe(6)
    const embedded = await openEmbeddedLog({ dir: folder })
    await copyTo(embedded, 'hb')
    expect(await hashesOf(embedded, 'hb')).toEqual(live)
    await embedded.close()
  })

  test('on other topics of the broker: replayed, and served by a DRE', async () => {
    const other = `${applicationId}-copy`
    await copyTo(log, other)
    expect(await hashesOf(log, other)).toEqual(live)
    const node = await composeNode({
      genesis: network.genesis,
      log,
      applicationId: other,
      roles: ['dre'],
      dreStore: createMemoryStore(),
      evaluatorWorkers: 0,
      verifierThreads: 0,
    })
    const served = async (): Promise<Hashes> => {
      const rows = await node.api.processes().catch(() => [])
      return Object.fromEntries(
        rows.map(({ process, slot, stateHash }) => [process, `${slot} ${stateHash}`]),
      )
    }
    await until(async () => JSON.stringify(sorted(await served())) === JSON.stringify(sorted(live)))
    await node.close()
  })
})

function sorted(hashes: Hashes): [string, string][] {
  return Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1))
}
