// What a spawn by its module's hash costs in bytes, wherever it leaves any: a factory makes 10,000
// children of one module, and what the topics and the stores have grown by is counted.

import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundleContract, generateWallet, messageFields } from '../src/client/index.ts'
import { Records } from '../src/protocol/codec/records.ts'
import type { GenesisProcess } from '../src/protocol/genesis.ts'
import { topicNames } from '../src/protocol/topics.ts'
import { asBuffer, sha256, toBase64Url } from '../src/std/bytes.ts'
import type { BenchNode } from './bench-node.ts'
import { benchNetwork, contractSource, openBenchNode, PARTITIONS, placed } from './bench-node.ts'
import type { BenchReport } from './rows.ts'
import { row } from './rows.ts'

const SPAWNS = 10_000
const PER_MESSAGE = 50
/** Several of them end in each partition: the children are in snapshots and manifests too. */
const INTERVAL = 1_000
/** A large one: its own text is no matter. */
const MODULE = '../contracts/lending/contract.ts'

type Bytes = Readonly<Record<string, number>>

/** Row `spawn.by-hash`. Bytes are the same each time: they are counted once. */
export async function benchSpawnByHash(): Promise<BenchReport> {
  const { source } = await bundleContract(fileURLToPath(new URL(MODULE, import.meta.url)))
  const module = toBase64Url(sha256(Buffer.from(source)))
  const factory = placed('factory', 0)
  const carrier = placed('carrier', 0)
  const child = stateOf(factory.id, carrier.id)
  const processes: GenesisProcess[] = [
    // what makes the module known where the factory is
    { name: 'carrier', nonce: carrier.nonce, engine: 'quickjs', source, state: child },
    {
      name: 'factory',
      nonce: factory.nonce,
      engine: 'quickjs',
      source: await contractSource('factory'),
      state: { module, child },
    },
  ]
  const network = benchNetwork(processes, INTERVAL)
  const node = await openBenchNode(network)
  await evaluated(node, processes.length)
  const before = await bytesOf(node)
  const begun = performance.now()
  const wallet = await generateWallet('ed25519')
  const place = { network: network.id, generation: 0 }
  const messages = Array.from({ length: SPAWNS / PER_MESSAGE }, (_, at) => {
    const data = { from: at * PER_MESSAGE, count: PER_MESSAGE }
    return wallet.sign(messageFields(place, { target: factory.id, action: 'Make', data }))
  })
  for (const answer of await node.api.submit(messages)) if ('error' in answer) throw answer.error
  await evaluated(node, processes.length + messages.length + SPAWNS)
  const seconds = (performance.now() - begun) / 1_000
  const { errors } = node.dre.figures
  await node.stop()
  const after = await bytesOf(node)
  await node.close()
  if (errors > 0) throw new Error(`${errors} spawns failed`)
  const each = Object.entries(after).map(([name, bytes]) => {
    return [name, (bytes - (before[name] ?? 0)) / SPAWNS] as const
  })
  const total = each.reduce((sum, [, bytes]) => sum + bytes, 0)
  return {
    rows: [row('spawn.by-hash', 'bytes', total, Buffer.byteLength(source))],
    doesNotMeasure: 'what brokers keep of each record besides its key and its value, and copies',
    observed: [
      `${SPAWNS} children of one module of ${Buffer.byteLength(source)} bytes, with a state of ` +
        `${JSON.stringify(child).length}, in ${seconds.toFixed(0)} s`,
      `bytes a spawn: ${each.map(([name, bytes]) => `${name} ${bytes.toFixed(0)}`).join(', ')}`,
    ],
  }
}

function stateOf(one: string, other: string): Readonly<Record<string, string>> {
  return { collateral: one, loan: other, oracle: one, lender: other }
}

async function evaluated({ dre }: BenchNode, entries: number): Promise<void> {
  while (dre.figures.entries < entries) await sleep(10)
}

/** Keys and values on each topic, and the files of the stores. */
async function bytesOf({ log, directory }: BenchNode): Promise<Bytes> {
  const { ingress, log: gateway, outbox, snapshots, modules } = topicNames('hb')
  const records = new Records()
  const counted = { ingress: 0, log: 0, outbox: 0, snapshots: 0, manifests: 0, modules: 0 }
  const topics = { ingress, log: gateway, outbox, snapshots, modules }
  for (const [name, topic] of Object.entries(topics) as [keyof typeof topics, string][]) {
    for (let partition = 0; partition < (name === 'modules' ? 1 : PARTITIONS); partition++) {
      for (let from = (await log.ends(topic))[partition]?.start ?? 0; ;) {
        const read = await log.read(topic, partition, from)
        for (const { key, value } of read.records) {
          const isManifest = value !== null && records.manifest.matches(asBuffer(value))
          const bytes = Buffer.byteLength(key ?? '') + (value?.length ?? 0)
          counted[isManifest ? 'manifests' : name] += bytes
        }
        if (read.records.length === 0) break
        from = read.next
      }
    }
  }
  const stored = { states: filesOf(directory, 'states'), index: filesOf(directory, 'index') }
  return { ...counted, 'store of states': stored.states, 'index of ids': stored.index }
}

/** What the files take on the disk. */
function filesOf(...path: readonly string[]): number {
  const folder = join(...path)
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).blocks * 512)
  return sizes.reduce((sum, size) => sum + size, 0)
}
