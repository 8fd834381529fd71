// arlocal for a suite: started in a folder of its own, mined by the test, and gone with it.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const START = fileURLToPath(new URL('arlocal/start.cjs', import.meta.url))

export class Arlocal {
  readonly url: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.url = `http://127.0.0.1:${port}`
    this.#child = child
    this.#folder = folder
  }

  static async start(): Promise<Arlocal> {
    const folder = await mkdtemp(join(tmpdir(), 'hb-arlocal-'))
    // it writes files where it stands; what it says of requests that are meant to fail is of no use
    const child = spawn(process.execPath, [START, join(folder, 'db')], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout.on('data', (bytes: Buffer) => resolve(Number(bytes.toString().trim())))
      child.on('exit', (code) => reject(new Error(`arlocal ended with ${code} before it listened`)))
    })
    return new Arlocal(child, folder, port)
  }

  /** Blocks with all that waits in the last one; bundles are taken apart. */
  async mine(blocks = 1): Promise<void> {
    for (let tried = 0; tried < 10; tried++) {
      // where it takes the same bundle apart twice at once, it answers nothing
      if ((await fetch(`${this.url}/mine/${blocks}`)).ok) return
    }
    throw new Error('arlocal does not mine')
  }

  /** Mines until it is told to stop. */
  mining(everyMs = 100): () => Promise<void> {
    let isStopped = false
    const done = (async () => {
      while (!isStopped) {
        await this.mine()
        await new Promise((resolve) => setTimeout(resolve, everyMs))
      }
    })()
    return async () => {
      isStopped = true
      await done
    }
  }

  async mint(address: string, winston = 1e15): Promise<void> {
    await fetch(`${this.url}/mint/${address}/${winston}`)
  }

  /** Forgets a transaction, as nodes do with what no block took. */
  async drop(id: string): Promise<void> {
    const { status } = await fetch(`${this.url}/tx/${id}`, { method: 'DELETE' })
    if (status !== 200) throw new Error(`${id} was not dropped: ${status}`)
  }

  async graphql(query: string, variables: object = {}): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    return ((await answer.json()) as { data: Record<string, unknown> }).data
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.on('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
    await rm(this.#folder, { recursive: true, force: true })
  }
}
