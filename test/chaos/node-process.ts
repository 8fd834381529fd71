// One `hb start` as an OS process of the harness: started, killed, frozen, and started again.
//
// Invariants: N1 the watchdog knows every OS process from its start to its end, so none outlives
// the harness. N2 an end that nobody asked for is kept as a problem. N3 all that it writes is in
// its log file, over all its lives.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '../../src/client/index.ts'
import { createClient } from '../../src/client/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { Watchdog } from '../support/watchdog.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
/** Its halts are read off its lines for people. */
const TOLD = ['--json', '--log-format', 'human']
const START_MS_MAX = 60_000
const STOP_MS_MAX = 30_000
const REQUEST_MS_MAX = 8_000

export type NodeProcessOptions = {
  readonly name: string
  readonly network: string
  /** Of `hb start`, without --data, --port and --json. */
  readonly args: readonly string[]
  readonly dataDir: string
  readonly logFile: string
  readonly watchdog: Watchdog
  /** The command `hb`, as a file for Node; default: the sources. */
  readonly program?: string
}

type Life = {
  readonly child: ChildProcess
  readonly ended: Promise<string>
  over: boolean
  client: Client | undefined
}

export class NodeProcess {
  readonly #o: NodeProcessOptions
  #life: Life | undefined
  #frozen = false
  /** What the next start runs. */
  program: string
  /** Ends that nobody asked for. */
  readonly problems: string[] = []

  constructor(options: NodeProcessOptions) {
    this.#o = options
    this.program = options.program ?? MAIN
  }

  get name(): string {
    return this.#o.name
  }

  get pid(): number | undefined {
    return this.#life?.child.pid
  }

  /** Of the node while it serves and is not frozen. */
  get client(): Client | undefined {
    return this.#frozen ? undefined : this.#life?.client
  }

  /** Its address, also while it is frozen. */
  get url(): string | undefined {
    return this.#life?.client?.url
  }

  /** Resolves when it has printed its address. */
  async start(): Promise<void> {
    if (this.#life !== undefined) throw new Error(`${this.name} runs already`)
    const { args, dataDir, watchdog } = this.#o
    const all = [this.program, 'start', ...args, '--data', dataDir, '--port', '0', ...TOLD]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    const { pid } = child
    if (pid !== undefined) watchdog.add(pid)
    this.#write(`--- ${this.name} ${pid ?? '?'} starts\n`)
    const address = this.#follow(child)
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(String(error)))
      child.once('exit', (code, signal) => resolve(String(signal ?? code)))
    })
    const life: Life = { child, ended, over: false, client: undefined }
    this.#life = life
    void ended.then((how) => {
      if (pid !== undefined) watchdog.remove(pid)
      this.#write(`--- ${this.name} ${pid ?? '?'} ended: ${how}\n`)
      if (!life.over) this.problems.push(`${this.name} ended by itself: ${how}`)
      if (this.#life === life) this.#life = undefined
    })
    const late = new AbortController()
    const url = await Promise.race([
      address,
      ended.then((how) => new Error(`${this.name} ended while it started: ${how}`)),
      systemClock.sleep(START_MS_MAX, late.signal).then(() => {
        return new Error(`${this.name} did not serve within ${START_MS_MAX} ms`)
      }),
    ])
    late.abort()
    if (url instanceof Error) throw url
    const { network } = this.#o
    const options = { busyRetriesMax: 0, brokenRetriesMax: 0, requestTimeoutMs: REQUEST_MS_MAX }
    life.client = createClient({ url, network, ...options })
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Throws where it did not end in time (then it is killed) or not as it should. */
  async stop(): Promise<void> {
    const late = new AbortController()
    const how = await Promise.race([
      this.#end('SIGTERM'),
      systemClock.sleep(STOP_MS_MAX, late.signal).then(() => 'late'),
    ])
    late.abort()
    if (how === 'late') await this.#end('SIGKILL')
    if (how !== '0') throw new Error(`${this.name} did not stop in good order: ${how}`)
  }

  freeze(): void {
    this.#frozen = true
    this.#write(`--- ${this.name} is frozen\n`)
    this.#life?.child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#life?.child.kill('SIGCONT')
    this.#write(`--- ${this.name} is thawed\n`)
    this.#frozen = false
  }

  /** What it kept on its disk is lost. */
  async clear(): Promise<void> {
    await rm(this.#o.dataDir, { recursive: true, force: true })
  }

  /** Lines of its log, over all its lives, that say that a partition halted. */
  async halts(): Promise<string[]> {
    const text = await readFile(this.#o.logFile, 'utf8')
    return text.split('\n').filter((line) => line.startsWith('halted:'))
  }

  /** The code or signal that it ended with. */
  async #end(signal: NodeJS.Signals): Promise<string> {
    const life = this.#life
    if (life === undefined) return 'it did not run'
    life.over = true
    life.client = undefined
    life.child.kill(signal)
    return life.ended
  }

  /** Everything it prints goes to its log; resolves with the address of its first line. */
  #follow({ stdout, stderr }: ChildProcess): Promise<string> {
    stderr?.on('data', (chunk: Buffer) => this.#write(chunk.toString()))
    return new Promise((resolve) => {
      let text = ''
      stdout?.on('data', (chunk: Buffer) => {
        this.#write(chunk.toString())
        text += chunk.toString()
        const [line, ...more] = text.split('\n')
        const url = more.length > 0 ? urlIn(line ?? '') : undefined
        if (url !== undefined) resolve(url)
      })
    })
  }

  #write(text: string): void {
    appendFileSync(this.#o.logFile, text)
  }
}

function urlIn(line: string): string | undefined {
  try {
    const { url } = JSON.parse(line) as { url?: string }
    return url
  } catch {
    return undefined
  }
}
