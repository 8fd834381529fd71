// What a program that runs the sink finds in a directory: an embedded log with planted entries and
// its genesis (in data/), a wallet, and a connector in a file.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateWallet, saveWallet } from '../../../src/client/index.ts'
import { openEmbeddedLog } from '../../../src/log/embedded/index.ts'
import { topicNames, topicSpecs } from '../../../src/protocol/topics.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { plantLog } from '../../archive/planted-log.ts'
import { testNetwork } from '../../protocol/fixtures.ts'

export const NETWORK = testNetwork({ partitions: 2 })
export const HEIGHTS_MAX = 20

/** So many entries in each of two partitions. */
export async function writeData(dir: string, entries: number): Promise<void> {
  await saveWallet(await generateWallet('ed25519'), join(dir, 'wallet.json'))
  await mkdir(join(dir, 'data'))
  await writeFile(join(dir, 'data/genesis.json'), JSON.stringify(NETWORK.genesis))
  const log = await openEmbeddedLog({ dir: join(dir, 'data/log') })
  await log.provision(topicSpecs(topicNames('hb'), 2))
  for (const partition of [0, 1]) {
    await log.append('hb.log', partition, plantLog(NETWORK, partition, entries).records)
  }
  await log.close()
}

/** Properties; the path of the file. */
export async function sinkFile(dir: string, archive: string): Promise<string> {
  const file = join(dir, 'sink.properties')
  const config = {
    name: 'arweave-sink',
    'connector.class': 'ArweaveSink',
    topics: 'hb.log',
    archive: `file:${archive}`,
    'archive.wallet': join(dir, 'wallet.json'),
    'segment.heights.max': String(HEIGHTS_MAX),
    'flush.delay.max.ms': '50',
    'poll.delay.ms': '10',
  }
  const lines = Object.entries(config).map(([key, value]) => `${key}=${value}\n`)
  await writeFile(file, lines.join(''))
  return file
}

/** Of the connector and then of its tasks. */
export async function stateOf(rest: string): Promise<string> {
  const response = await fetch(`${rest}/connectors/arweave-sink/status`)
  type Shown = { readonly state: string }
  const body = (await response.json()) as { connector: Shown; tasks: readonly Shown[] }
  return [body.connector, ...body.tasks].map(({ state }) => state).join()
}

export async function until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tried = 0; !(await isSo()); tried++) {
    if (tried > 3_000) throw new Error(`never: ${what}`)
    await systemClock.sleep(10)
  }
}
