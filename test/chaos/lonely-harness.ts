// A harness that is about to be killed: starts a node, freezes it, prints its pid, and waits.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { devGenesis } from '../../src/cli/dev-genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { startWatchdog } from '../support/watchdog.ts'
import { NodeProcess } from './node-process.ts'

const dir = process.argv[2] as string
await mkdir(dir, { recursive: true })
const node = new NodeProcess({
  name: 'lonely',
  network: openNetwork(await devGenesis({ partitions: 1, mint: {}, operators: [] })).id,
  args: ['--partitions', '1'],
  dataDir: join(dir, 'data'),
  logFile: join(dir, 'lonely.log'),
  watchdog: startWatchdog(join(dir, 'data')),
})
await node.start()
node.freeze()
process.stdout.write(`${node.pid}\n`)
setInterval(() => undefined, 60_000)
