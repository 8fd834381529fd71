// The one broker that the Kafka tests of a run share. Test files run in OS processes of their own,
// which come and go, so jest's main process owns it: it listens on 127.0.0.1, starts the broker
// when the first test file asks, and ends it with the run.
//
// Invariants:
//   S1  However many ask, one broker is started, and only if one asks.
//   S2  What was found out at the start of the run holds for all of it: no test file chooses anew.
//   S3  How the Kafka tests fared is said in one line at the end, if there were any.

import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseBroker } from './discovery.ts'
import type { BrokerChoice } from './discovery.ts'
import { whyNoDocker } from './docker-engine.ts'
import { startDockerKafka } from './docker-kafka.ts'
import { whyNoJvm } from './java.ts'
import { startKafkaCluster } from './jvm-kafka.ts'
import { isReady } from './kafka-ready.ts'

/** Where the main process tells test files what it found, as JSON. */
const VARIABLE = 'HB_TEST_KAFKA'
/** What is to be said at the end of the run, a line each. */
const LINES_FILE = 'lines'

type KafkaRunInfo = {
  readonly choice: BrokerChoice
  /** Where the main process listens. */
  readonly url: string
  readonly folder: string
}

export type SharedKafka = {
  /** host:port,… */
  readonly bootstrapServers: string
  readonly from: 'KAFKA_BROKERS' | 'docker' | 'jvm'
}

type OwnedKafka = SharedKafka & { close(): Promise<void> }

export type KafkaRun = {
  readonly choice: BrokerChoice
  /** Ends the broker; what to say at the end of the run: nothing if it had no Kafka tests. */
  close(): Promise<string[]>
}

/** Called once, in jest's main process, before the first test file. */
export async function openKafkaRun(): Promise<KafkaRun> {
  const choice = await chooseBroker(process.env, { whyNoDocker, whyNoJvm })
  const folder = mkdtempSync(join(tmpdir(), 'hb-kafka-run-'))
  let shared: Promise<OwnedKafka> | undefined
  const server = createServer((_request, response) => {
    shared ??= startShared(choice)
    void answer(shared, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const { port } = server.address() as AddressInfo
  const info: KafkaRunInfo = { choice, url: `http://127.0.0.1:${port}/`, folder }
  process.env[VARIABLE] = JSON.stringify(info)
  return {
    choice,
    close: async () => {
      server.close()
      server.closeAllConnections()
      const started = await shared?.catch(() => undefined)
      await started?.close()
      const file = join(folder, LINES_FILE)
      const said = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
      rmSync(folder, { recursive: true, force: true })
      return [...new Set(started === undefined ? said : [lineOf(started), ...said])]
    },
  }
}

function lineOf({ from, bootstrapServers }: SharedKafka): string {
  const what = { KAFKA_BROKERS: 'KAFKA_BROKERS', docker: 'a broker in Docker', jvm: 'a JVM broker' }
  return `Kafka tests ran on ${what[from]}, ${bootstrapServers}`
}

async function startShared(choice: BrokerChoice): Promise<OwnedKafka> {
  const shared = await startChosen(choice)
  process.stderr.write(`Kafka tests: ${shared.from}, ${shared.bootstrapServers}\n`)
  return shared
}

async function startChosen(choice: BrokerChoice): Promise<OwnedKafka> {
  switch (choice.from) {
    case 'KAFKA_BROKERS': {
      const { bootstrapServers } = choice
      const ready = await Promise.all(bootstrapServers.split(',').map((one) => isReady(one.trim())))
      if (!ready.includes(true)) throw new Error(`KAFKA_BROKERS: none of ${bootstrapServers} answers`)
      return { ...choice, close: async () => undefined }
    }
    case 'docker': {
      const container = await startDockerKafka()
      return { ...container, from: 'docker' }
    }
    case 'jvm': {
      const { bootstrapServers, close } = await startKafkaCluster({ brokers: 1 })
      return { bootstrapServers, close, from: 'jvm' }
    }
    case 'none':
      throw new Error(`there is no broker: ${choice.why}`)
  }
}

async function answer(shared: Promise<OwnedKafka>, response: ServerResponse): Promise<void> {
  try {
    const { bootstrapServers, from } = await shared
    response.end(JSON.stringify({ bootstrapServers, from }))
  } catch (error) {
    response.statusCode = 500
    response.end(error instanceof Error ? error.message : String(error))
  }
}

function runInfo(): KafkaRunInfo {
  const text = process.env[VARIABLE]
  if (text === undefined) throw new Error('no Kafka run is open: see globalSetup in jest.config.json')
  return JSON.parse(text) as KafkaRunInfo
}

/** What the run found, in a test file. */
export function chosenBroker(): BrokerChoice {
  return runInfo().choice
}

/** The run's broker, in a test file; started now if nobody asked before. */
export async function sharedKafka(): Promise<SharedKafka> {
  const response = await fetch(runInfo().url)
  const text = await response.text()
  if (!response.ok) throw new Error(`no broker for the Kafka tests: ${text}`)
  return JSON.parse(text) as SharedKafka
}

/** In a test file: a line for the end of the run; said once, however many say it. */
export function sayAtEnd(line: string): void {
  appendFileSync(join(runInfo().folder, LINES_FILE), `${line}\n`)
}
