// Both programs against a log that a network has written on a real broker, with records planted
// into it: they must print the entries that the network's own readers see, and no others.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { KafkaContainer } from '@testcontainers/kafka'
import type { StartedKafkaContainer } from '@testcontainers/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { startNetwork } from 'hollowbeam/testing'
import { Wait } from 'testcontainers'
import { isClaim, plant, readAll } from './planted-log.ts'

const IMAGE = process.env['KAFKA_IMAGE'] ?? 'confluentinc/cp-kafka:8.1.0'
const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const SCHEMA = 'node_modules/hollowbeam/schemas/entry.avsc'
/** Three of them in either partition: a wallet’s address is a function of its name. */
const WALLETS = ['ann', 'gil', 'hal', 'ben', 'cem', 'dan']
const PROGRAMS = [
  [process.execPath, 'read-log.ts'],
  ['java', '-cp', 'jars/*', 'ReadLog.java'],
] as const

type Network = Awaited<ReturnType<typeof startNetwork>>
type Row = { partition: number; height: number }

let container: StartedKafkaContainer | undefined
let bootstrapServers = process.env['KAFKA_BROKERS'] ?? ''

before(
  async () => {
    if (bootstrapServers !== '') return
    container = await new KafkaContainer(IMAGE)
      .withKraft()
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .start()
    bootstrapServers = `${container.getHost()}:${container.getMappedPort(9093)}`
  },
  { timeout: 180_000 },
)
after(() => container?.stop())

/** Each transfer is followed by notices of the coin to both wallets, on either partition. */
async function transfers(network: Network): Promise<void> {
  const coin = network.contract('hyper-coin')
  for (const name of WALLETS) {
    const tags = { Recipient: network.address(name), Quantity: '1' }
    const { errors } = await coin.send('rsa', 'Transfer', { tags }).settled()
    assert.deepEqual(errors, [])
  }
}

/** What the network's own readers make of the log. */
async function accepted(network: Network): Promise<Row[]> {
  const entries = [...(await network.entries(0)), ...(await network.entries(1))]
  return entries.map(({ partition, height, process, messageId, kind, timestamp }) => {
    return { partition, height, process, id: messageId, kind, timestamp }
  })
}

/** Ends the program when it has said something of so many records. */
async function output(
  [program, ...args]: readonly [string, ...string[]],
  records: number,
): Promise<{ rows: Row[]; errors: string[] }> {
  const child = spawn(program, args, { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'] })
  const rows: Row[] = []
  const errors: string[] = []
  const ended = once(child, 'exit')
  const look = (): void => {
    if (rows.length + errors.length >= records) child.kill()
  }
  createInterface(child.stdout).on('line', (line) => {
    rows.push(JSON.parse(line) as Row)
    look()
  })
  createInterface(child.stderr).on('line', (line) => {
    // kafkajs has things to say of groups that form
    if (line.startsWith('superseded')) errors.push(line)
    else process.stderr.write(`${line}\n`)
    look()
  })
  await ended
  // each partition in its order, whichever came first
  return { rows: rows.sort((a, b) => a.partition - b.partition), errors }
}

const TEST = { timeout: 240_000 }
test('a stock consumer names the entries that the network itself sees', TEST, async () => {
  const wallets = Object.fromEntries(WALLETS.map((name) => [name, {}]))
  await using network = await startNetwork({
    log: { bootstrapServers },
    wallets: { rsa: { hyperCoin: '100', kind: 'rsa' }, ...wallets },
  })
  const kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.WARN })
  const topic = `${network.applicationId}.log`
  await transfers(network)
  let planted = 0
  for (const [partition, raws] of (await readAll(kafka, topic)).entries()) {
    const last = (await network.entries(partition)).at(-1)
    assert.ok(last !== undefined)
    const tip = { ...last, hash: Buffer.from(last.hash, 'base64url') }
    const schema = `${PROJECT}/${SCHEMA}`
    planted += await plant(kafka, topic, { partition, raws, tip, network: network.id, schema })
  }
  // the network goes on behind them, and leaves records of its own that do not count
  network.faults.next(['doubled', 'unacknowledged'])
  await transfers(network)
  await network.restart()
  await transfers(network)

  const expected = await accepted(network)
  const { superseded } = await network.rebuild()
  const records = (await readAll(kafka, topic)).flat().filter((raw) => !isClaim(raw)).length
  assert.equal(records, expected.length + superseded)
  assert.ok(planted === 18 && superseded > planted, `${superseded} superseded, ${planted} planted`)
  for (const program of PROGRAMS) {
    const command = [...program, bootstrapServers, topic, network.id, SCHEMA] as const
    const { rows, errors } = await output(command, records)
    assert.deepEqual(rows, expected, program[0])
    assert.deepEqual(errors.at(-1), `superseded: ${superseded}`)
    assert.equal(errors.length, superseded)
  }
})
