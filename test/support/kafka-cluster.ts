// A Kafka cluster of a test: its brokers as OS processes that can be killed, stopped, frozen and
// started again on the same data. Only for tests: the data is thrown away at the end.
//
// Invariants:
//   C1  Nothing outlives the OS process that started it (watchdog.ts).
//   C2  A broker that is handed out as started serves requests, knows the controller and sees every
//       broker that should be up.
//   C3  A broker keeps its ports, its id and its data from one start to the next.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { javaCommand } from './java.ts'
import { BROKER_CLASS, jvmArguments } from './kafka-jvm.ts'
import type { JvmOptions, KafkaInstall } from './kafka-jvm.ts'
import { brokerProperties, propertiesText } from './kafka-properties.ts'
import type { BrokerPlace, Listener, Properties } from './kafka-properties.ts'
import { isReady } from './kafka-ready.ts'
import { copyTemplate, formatStorage, kafkaId } from './kafka-storage.ts'
import type { ScramUser } from './kafka-storage.ts'
import { freePorts } from './ports.ts'
import { startWatchdog } from './watchdog.ts'
import type { Watchdog } from './watchdog.ts'

const HOST = '127.0.0.1'
const START_MS_MAX = 90_000
/** A broker may wait long for a controller that is gone; then it is not an orderly stop. */
const STOP_MS_MAX = 45_000
const LOOK_AGAIN_MS = 100
const LOG_TAIL_LINES = 40

export type BrokerOptions = JvmOptions & {
  readonly brokers: 1 | 3
  /** Added to the brokers' properties, or in place of ours. */
  readonly properties?: Properties
  /** Besides PLAINTEXT, which every cluster has. */
  readonly listeners?: readonly Listener[]
  readonly scramUsers?: readonly ScramUser[]
}

export type BrokerView = {
  readonly id: number
  /** Of its PLAINTEXT listener, on 127.0.0.1. */
  readonly port: number
  /** Undefined while it is not running. */
  readonly pid: number | undefined
  /** Its data, for tests that damage it while it is not running. */
  readonly dataDir: string
}

export type KafkaCluster = {
  /** host:port,… of the PLAINTEXT listeners. */
  readonly bootstrapServers: string
  /** The same for another listener. */
  serversOf(listener: Listener): string
  readonly brokers: readonly BrokerView[]
  /** SIGKILL: as when the power is cut. Resolves when the OS process is gone. */
  kill(id: number): Promise<void>
  /** SIGTERM: an orderly stop, leaders moved first. Resolves when the OS process is gone. */
  stop(id: number): Promise<void>
  /** SIGSTOP: its connections stay, and nobody answers. */
  freeze(id: number): void
  thaw(id: number): void
  /** Starts it again on its data and ports; resolves when it serves requests. */
  start(id: number): Promise<void>
  /** What it wrote to its log since its first start. */
  log(id: number): Promise<string>
  /** Ends every broker and removes all data. Safe to call twice. */
  close(): Promise<void>
}

type Broker = {
  readonly place: BrokerPlace
  readonly port: number
  readonly propertiesFile: string
  readonly logFile: string
  child: ChildProcess | undefined
}

export async function startBrokers(
  install: KafkaInstall,
  options: BrokerOptions,
): Promise<KafkaCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'hb-kafka-'))
  const watchdog = startWatchdog(dir)
  try {
    const brokers = await placeBrokers(dir, options)
    const clusterId = kafkaId()
    await Promise.all(brokers.map((broker) => prepare(install, broker, brokers, clusterId, options)))
    const cluster = clusterOf(install, brokers, watchdog, options)
    for (const broker of brokers) launch(install, broker, watchdog, options)
    const ids = brokers.map(({ place }) => place.id)
    await Promise.all(brokers.map((broker) => untilReady(broker, ids)))
    return cluster
  } catch (error) {
    await watchdog.close()
    throw error
  }
}

/** Runs a broker once, so that the JVM writes down the classes that it loads. */
export async function archiveClasses(install: KafkaInstall): Promise<void> {
  const cluster = await startBrokers(install, { brokers: 1, archiving: true })
  await cluster.stop(1)
  await cluster.close()
}

async function placeBrokers(dir: string, options: BrokerOptions): Promise<Broker[]> {
  const names = ['PLAINTEXT', ...(options.listeners ?? []), 'CONTROLLER'] as const
  const ports = await freePorts(options.brokers * names.length)
  return Array.from({ length: options.brokers }, (_, index) => {
    const id = index + 1
    const own = Object.fromEntries(names.map((name) => [name, ports.pop() as number]))
    return {
      place: { id, host: HOST, ports: own, dataDir: join(dir, `data-${id}`) },
      port: own['PLAINTEXT'] as number,
      propertiesFile: join(dir, `server-${id}.properties`),
      logFile: join(dir, `broker-${id}.log`),
      child: undefined,
    }
  })
}

async function prepare(
  install: KafkaInstall,
  { place, propertiesFile }: Broker,
  all: readonly Broker[],
  clusterId: string,
  { properties, scramUsers = [] }: BrokerOptions,
): Promise<void> {
  const places = all.map((broker) => broker.place)
  await writeFile(propertiesFile, propertiesText(brokerProperties(place, places, properties)))
  if (scramUsers.length === 0) {
    await copyTemplate(install, place.dataDir, place.id, clusterId)
  } else {
    await mkdir(place.dataDir)
    await formatStorage(install, propertiesFile, clusterId, scramUsers)
  }
}

function launch(
  install: KafkaInstall,
  broker: Broker,
  watchdog: Watchdog,
  options: JvmOptions,
): void {
  const output = openSync(broker.logFile, 'a')
  const program = [BROKER_CLASS, broker.propertiesFile]
  const child = spawn(javaCommand(), jvmArguments(install, program, options), {
    cwd: install.dir,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const { pid } = child
  broker.child = child
  if (pid !== undefined) watchdog.add(pid)
  const gone = (): void => {
    if (pid !== undefined) watchdog.remove(pid)
    if (broker.child === child) broker.child = undefined
  }
  child.once('exit', gone)
  child.once('error', gone)
}

async function untilReady(broker: Broker, ids: readonly number[]): Promise<void> {
  const { id } = broker.place
  const deadline = performance.now() + START_MS_MAX
  while (!(await isReady(`${HOST}:${broker.port}`, ids))) {
    if (broker.child === undefined) throw await failure(broker, `broker ${id} ended at its start`)
    if (performance.now() > deadline) {
      throw await failure(broker, `broker ${id} was not ready within ${START_MS_MAX} ms`)
    }
    await sleep(LOOK_AGAIN_MS)
  }
}

async function failure({ logFile }: Broker, what: string): Promise<Error> {
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-LOG_TAIL_LINES)
  return new Error(`${what}; the end of its log:\n${lines.join('\n')}`)
}

function clusterOf(
  install: KafkaInstall,
  brokers: readonly Broker[],
  watchdog: Watchdog,
  options: BrokerOptions,
): KafkaCluster {
  const brokerOf = (id: number): Broker => {
    const broker = brokers.find(({ place }) => place.id === id)
    if (broker === undefined) throw new Error(`there is no broker ${id}`)
    return broker
  }
  const runningOf = (id: number): ChildProcess => {
    const { child } = brokerOf(id)
    if (child === undefined) throw new Error(`broker ${id} is not running`)
    return child
  }
  const serversOf = (listener: Listener): string =>
    brokers.map(({ place }) => `${HOST}:${place.ports[listener]}`).join(',')
  return {
    bootstrapServers: serversOf('PLAINTEXT'),
    serversOf,
    get brokers() {
      return brokers.map(({ place: { id, dataDir }, port, child }) => {
        return { id, port, pid: child?.pid, dataDir }
      })
    },
    kill: (id) => end(runningOf(id), 'SIGKILL'),
    stop: async (id) => {
      const child = runningOf(id)
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await end(child, 'SIGTERM')
      clearTimeout(timer)
      if (child.signalCode === 'SIGKILL') throw await failure(brokerOf(id), 'it did not stop')
    },
    freeze: (id) => void runningOf(id).kill('SIGSTOP'),
    thaw: (id) => void runningOf(id).kill('SIGCONT'),
    start: async (id) => {
      const broker = brokerOf(id)
      if (broker.child !== undefined) throw new Error(`broker ${id} is running already`)
      launch(install, broker, watchdog, options)
      await untilReady(broker, [id])
    },
    log: (id) => readFile(brokerOf(id).logFile, 'utf8'),
    close: async () => {
      const running = brokers.flatMap(({ child }) => child ?? [])
      await Promise.all(running.map((child) => end(child, 'SIGKILL')))
      await watchdog.close()
    },
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
