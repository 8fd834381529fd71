// Signed messages over HTTP: POST /messages/batch from another OS process, to 202, which means
// durable in ingress. The whole node works meanwhile: it orders and evaluates what has come in.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { frameBatch } from '../src/client/index.ts'
import { startHttp } from '../src/node/index.ts'
import type { Network } from '../src/protocol/genesis.ts'
import { openBareVerify } from './bare-verify.ts'
import { benchNetwork, contractSource, openBenchNode, PARTITIONS, placed } from './bench-node.ts'
import type { BenchReport } from './rows.ts'
import { median, row, ROUNDS, spread } from './rows.ts'
import { signItems } from './signed-items.ts'

const BATCH = 500
const BATCHES = 8

/** Row `embedded.ingress.http`. */
export async function benchHttpIngress(): Promise<BenchReport> {
  const source = await contractSource('counter')
  const spots = Array.from({ length: PARTITIONS }, (_, p) => placed(`counter-${p}`, p))
  const network = benchNetwork(
    spots.map(({ nonce }, p) => {
      return { name: `counter-${p}`, nonce, engine: 'quickjs', source, state: { count: 0 } }
    }),
  )
  const targets = spots.map(({ id }) => id)
  const items = await signItems('rsa', network.id, targets, BATCH * BATCHES)
  const bare = await openBareVerify(items)
  const values: number[] = []
  const floors: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    floors.push(await bare.rate(2))
    values.push(await post(network, items))
  }
  await bare.close()
  return {
    rows: [row('embedded.ingress.http', 'messages/s', median(values), median(floors))],
    doesNotMeasure: 'a network between sender and node; single messages a request',
    observed: [
      `${BATCHES} requests of ${BATCH} RSA items, four at a time: ${spread(values)} messages/s; ` +
        `bare verify: ${spread(floors)}`,
      'the sender, ordering and evaluation share the cores with the verifying',
    ],
  }
}

async function post(network: Network, items: readonly Buffer[]): Promise<number> {
  const node = await openBenchNode(network)
  const http = await startHttp({ api: node.api })
  const file = join(node.directory, 'bodies')
  const bodies = Array.from({ length: BATCHES }, (_, i) =>
    frameBatch(items.slice(i * BATCH, (i + 1) * BATCH)),
  )
  await writeFile(file, frameBatch(bodies))
  const sender = fork(fileURLToPath(new URL('./http-sender.ts', import.meta.url)), [http.url, file])
  const [ms] = (await once(sender, 'message')) as [number]
  await http.close()
  await node.close()
  return (items.length * 1_000) / ms
}
