// A schema registry of a test's own: Apicurio Registry with its Confluent-compatible API, from Maven
// Central, on a JVM of this machine and 127.0.0.1. Only for tests: its data is thrown away at the end.
//
// Invariants:
//   R1  Nothing outlives the OS process that started it (watchdog.ts).
//   R2  What is run is what was fetched once and had the hash that is written here.
//   R3  A registry keeps its port and its schemas, with their ids, from one start to the next.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, installOnce } from './install-once.ts'
import { javaCommand, runToEnd } from './java.ts'
import { freePorts } from './ports.ts'
import { startWatchdog } from './watchdog.ts'
import type { Watchdog } from './watchdog.ts'

const VERSION = '3.0.9'
const SHA_256 = '2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43'
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`
/** Of this line on purpose: later ones want the parent of the artifact's POM, which is not there. */
const FETCH = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:get'
const FETCH_ATTEMPTS = 3

const SMALL_AND_QUICK = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const START_MS_MAX = 120_000
const LOOK_AGAIN_MS = 200
const LOG_TAIL_LINES = 40

export type SchemaRegistryServer = {
  /** Of the API that Confluent's clients speak. */
  readonly url: string
  /** SIGKILL; resolves when the OS process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: its connections stay, and nobody answers. */
  freeze(): void
  thaw(): void
  /** Again, on the same port and data; resolves when it answers. */
  start(): Promise<void>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** Java 17 and Maven must be there; the first start on a machine fetches it (some 100 MB). */
export async function startSchemaRegistry(): Promise<SchemaRegistryServer> {
  const install = await installSchemaRegistry()
  const [port] = (await freePorts(1)) as [number]
  const dir = await mkdtemp(join(tmpdir(), 'hb-schemas-'))
  const server = new Server(install, port, dir)
  try {
    await server.start()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

export function installSchemaRegistry(cache = cacheFolder()): Promise<string> {
  const name = `schema-registry-${VERSION}-${SHA_256.slice(0, 8)}`
  return installOnce({ cache, name, what: `Schema registry ${VERSION}` }, async (making) => {
    const archive = join(making, 'registry.tar.gz')
    await fetchArchive(archive)
    const found = createHash('sha256').update(await readFile(archive)).digest('hex')
    if (found !== SHA_256) throw new Error(`${ARTIFACT} has the hash ${found}, not ${SHA_256}`)
    await runToEnd('tar', ['xzf', archive, '-C', making])
    await rm(archive)
  })
}

async function fetchArchive(archive: string): Promise<void> {
  const args = ['-q', '-B', FETCH, `-Dartifact=${ARTIFACT}`, '-Dtransitive=false']
  for (let attempt = 1; ; attempt++) {
    try {
      await runToEnd('mvn', [...args, `-Ddest=${archive}`])
      return
    } catch (error) {
      if (attempt === FETCH_ATTEMPTS) throw error
    }
  }
}

class Server implements SchemaRegistryServer {
  readonly url: string
  readonly #install: string
  readonly #port: number
  readonly #dir: string
  readonly #logFile: string
  readonly #watchdog: Watchdog
  #child: ChildProcess | undefined

  constructor(install: string, port: number, dir: string) {
    this.#install = install
    this.#port = port
    this.#dir = dir
    this.#logFile = join(dir, 'registry.log')
    this.#watchdog = startWatchdog(dir)
    this.url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('it is running already')
    const output = openSync(this.#logFile, 'a')
    const address = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${this.#port}`]
    const data = `jdbc:h2:file:${join(this.#dir, 'data')};WRITE_DELAY=0`
    const settings = [...address, `-Dapicurio.datasource.url=${data}`]
    const jar = ['-jar', `apicurio-registry-app-${VERSION}-runner.jar`]
    const child = spawn(javaCommand(), [...SMALL_AND_QUICK, ...settings, ...jar], {
      cwd: this.#install,
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    const { pid } = child
    this.#child = child
    if (pid !== undefined) this.#watchdog.add(pid)
    const gone = (): void => {
      if (pid !== undefined) this.#watchdog.remove(pid)
      if (this.#child === child) this.#child = undefined
    }
    child.once('exit', gone)
    child.once('error', gone)
    await this.#untilReady()
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + START_MS_MAX
    while (!(await this.#answers())) {
      if (this.#child === undefined) throw await this.#failure('it ended at its start')
      if (performance.now() > deadline) {
        throw await this.#failure(`it was not ready within ${START_MS_MAX} ms`)
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }

  async #answers(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(5_000)
      return (await fetch(`${this.url}/subjects`, { signal })).ok
    } catch {
      return false
    }
  }

  async #failure(what: string): Promise<Error> {
    const text = await readFile(this.#logFile, 'utf8')
    const lines = text.trimEnd().split('\n').slice(-LOG_TAIL_LINES)
    return new Error(`schema registry: ${what}; the end of its log:\n${lines.join('\n')}`)
  }

  async kill(): Promise<void> {
    const child = this.#running()
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  freeze(): void {
    this.#running().kill('SIGSTOP')
  }

  thaw(): void {
    this.#running().kill('SIGCONT')
  }

  async close(): Promise<void> {
    if (this.#child !== undefined) await this.kill()
    await this.#watchdog.close()
  }

  #running(): ChildProcess {
    if (this.#child === undefined) throw new Error('it is not running')
    return this.#child
  }
}
