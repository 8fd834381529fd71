// Disaster recovery as docs/operating/archive.md shows it, command by command, on the archive of a
// network that is gone.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { devGenesis } from '../../src/cli/dev-genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { signer } from '../archive/planted-log.ts'
import { blocksOf } from '../guards/guide-blocks.ts'
import { SHELL } from '../guards/guide-shell.ts'
import { ROOT, runProgram, withoutRunner } from '../guards/tool.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { freePorts } from '../support/ports.ts'
import { archiveAll } from './archived.ts'

let network: Network
let folder: string
/** What was served of hyper-coin before. */
let stateHash: string | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-recovery-'))
  network = openNetwork(await devGenesis({ partitions: 2, mint: {}, operators: [] }))
  const live = await RecordedNode.start(network)
  for (let n = 0; n < 4; n++) await live.send('hyper-coin', { n }, 'Balance')
  await live.quiet()
  stateHash = (await live.node.api.state(live.id('hyper-coin')))?.stateHash
  await archiveAll(network, live.node.log, join(folder, 'archive'), signer())
  await live.close()
})

afterAll(() => rm(folder, { recursive: true }))

test('the commands of the document bring everything back', async () => {
  const text = await readFile(`${ROOT}docs/operating/archive.md`, 'utf8')
  const shown = blocksOf(text).filter(({ language, rest }) => language === 'sh' && rest === '')
  const commands = shown.map((block) => block.text).join('')
  for (const word of ['verify', 'embedded:hb-data', '--new-generation', '--process', 'start']) {
    expect(commands).toContain(word)
  }
  const [port] = await freePorts(1)
  const env = withoutRunner({
    NODE: process.execPath,
    HB: `${ROOT}src/cli/main.ts`,
    HB_PORT: String(port),
    HB_URL: `http://127.0.0.1:${port}`,
    NETWORK: network.id,
    NO_COLOR: '1',
  })
  const run = await runProgram('bash', ['-c', SHELL + commands], { cwd: folder, env })
  expect([run.code, run.code === 0 ? '' : run.stderr + run.stdout]).toEqual([0, ''])
  // `hb state` says the hash beside the state: of the node, and of the process alone
  expect(run.stderr.split(String(stateHash)).length - 1).toBeGreaterThanOrEqual(1)
  expect(run.stdout).toContain('Generation 1 begins:')
}, 120_000)
