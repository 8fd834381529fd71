// A worker with Connect's REST over a memory log with planted entries, and files in a directory that
// goes with it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startConnect, type Config, type RunningConnect } from '../../../connectors/arweave-sink/index.ts'
import { openFileArchive } from '../../../src/archive/file/index.ts'
import type { Archive } from '../../../src/archive/port.ts'
import { generateWallet, saveWallet } from '../../../src/client/index.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { Reporter, type Report } from '../../../src/std/reporter.ts'
import { SinkRig } from './sink-rig.ts'

export type Answer = { readonly status: number; readonly body: unknown; readonly text: string }

export class ConnectRig {
  readonly sink: SinkRig
  readonly dir: string
  readonly reports: Report[] = []
  /** What stands between a connector and its archive. */
  archiveAs: (archive: Archive) => Archive = (archive) => archive
  #connect: RunningConnect | undefined

  private constructor(sink: SinkRig, dir: string) {
    this.sink = sink
    this.dir = dir
  }

  static async open(counts: readonly number[], configs: readonly Config[] = []): Promise<ConnectRig> {
    const sink = await new SinkRig(counts).plant()
    const rig = new ConnectRig(sink, await mkdtemp(join(tmpdir(), 'hb-connect-')))
    await saveWallet(await generateWallet('ed25519'), join(rig.dir, 'wallet.json'))
    await rig.start(configs)
    return rig
  }

  async start(configs: readonly Config[] = []): Promise<void> {
    this.#connect = await startConnect({
      log: this.sink.log,
      clock: systemClock,
      reporter: new Reporter('info', (report) => void this.reports.push(report)),
      networkOf: () => Promise.resolve(this.sink.network),
      openArchive: (locator, signer) => {
        const dir = locator.slice('file:'.length)
        return Promise.resolve(this.archiveAs(openFileArchive({ dir, signer })))
      },
      dataDir: this.dir,
      version: '0.1.0',
      configs,
      port: 0,
    })
  }

  get url(): string {
    return this.#connect?.url ?? ''
  }

  /** A configuration that archives at once. */
  config(more: Config = {}): Config {
    return {
      name: 'arweave-sink',
      'connector.class': 'ArweaveSink',
      topics: 'hb.log',
      archive: `file:${join(this.dir, 'archive')}`,
      'archive.wallet': join(this.dir, 'wallet.json'),
      'segment.heights.max': '5',
      'flush.delay.max.ms': '20',
      'poll.delay.ms': '5',
      ...more,
    }
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const json = body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }
    const response = await fetch(`${this.url}${path}`, { method, ...json })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return { status: response.status, text, body: isJson ? JSON.parse(text) : undefined }
  }

  /** The status of the connector, when its states are these: the connector's, then the tasks'. */
  async states(...wanted: string[]): Promise<Answer> {
    for (let tried = 0; ; tried++) {
      const answer = await this.ask('GET', '/connectors/arweave-sink/status')
      const { connector, tasks = [] } = (answer.body ?? {}) as Status
      const states = [connector, ...tasks].map((each) => each?.state ?? '')
      if (states.join() === wanted.join()) return answer
      if (tried > 1_000) throw new Error(`never ${wanted.join()}: ${answer.text}`)
      await systemClock.sleep(5)
    }
  }

  async stop(): Promise<void> {
    await this.#connect?.close()
    this.#connect = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.sink.close()
    await rm(this.dir, { recursive: true })
  }
}

type Shown = { readonly state: string; readonly trace?: string }
export type Status = { readonly connector: Shown; readonly tasks: readonly Shown[] }
