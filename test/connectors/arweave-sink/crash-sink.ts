// Child OS process of crash.test.ts: a sink on an embedded log and a file archive, until it is
// killed or has archived all. Each durable segment is a line on stdout. Arguments: the directory
// that holds log, archive, store, genesis.json and wallet.json.

import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ArweaveSink } from '../../../connectors/arweave-sink/sink.ts'
import type { Genesis } from '../../../src/index.ts'
import {
  loadWallet,
  openEmbeddedLog,
  openFileArchive,
  openLmdbStore,
  openNetwork,
  systemClock,
} from '../../../src/index.ts'

const dir = process.argv[2] as string
const network = openNetwork(JSON.parse(readFileSync(join(dir, 'genesis.json'), 'utf8')) as Genesis)
const log = await openEmbeddedLog({ dir: join(dir, 'log') })
const signer = await loadWallet(join(dir, 'wallet.json'))
const sink = new ArweaveSink({
  network,
  log,
  archive: openFileArchive({ dir: join(dir, 'archive'), signer }),
  store: await openLmdbStore({ dir: join(dir, 'store'), durable: true }),
  clock: systemClock,
  limits: { heightsMax: 20, flushDelayMsMax: 60_000, pollDelayMs: 10 },
  onArchived: (partition, from, to) => writeSync(1, `${partition} ${from} ${to}\n`),
  onFailed: (_, error) => {
    throw error
  },
})
await sink.start()
