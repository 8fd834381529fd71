// A gateway that only fails: what no fault befalls goes to arlocal, and its answer comes back.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Asked = { readonly method: string; readonly path: string; readonly body: string }

/** `cut`: the connection breaks, before arlocal hears of the request or when it has answered. */
export type Fault =
  | { readonly answer: number; readonly body?: string; readonly headers?: Record<string, string> }
  | { readonly cut: 'before' | 'after' }
  | { readonly silent: true }
  | { readonly change: (bytes: Buffer) => Buffer }

export class FaultyGateway {
  /** What befalls a request; undefined: nothing. */
  fault: (asked: Asked) => Fault | undefined = () => undefined
  readonly asked: Asked[] = []
  /** How many faults were met. */
  met = 0
  readonly #server: Server
  readonly #behind: string

  private constructor(behind: string) {
    this.#behind = behind
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(behind: string): Promise<FaultyGateway> {
    const gateway = new FaultyGateway(behind)
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve))
    return gateway
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How often this was asked for. */
  count(method: string, path: string): number {
    return this.asked.filter((each) => each.method === method && each.path === path).length
  }

  /** The next requests that begin so meet these faults, one each. */
  plan(path: string, ...faults: readonly Fault[]): void {
    const left = [...faults]
    this.fault = (asked) => (asked.path.startsWith(path) ? left.shift() : undefined)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = request
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const asked = { method, path, body: Buffer.concat(parts).toString() }
    this.asked.push(asked)
    const fault = this.fault(asked)
    if (fault !== undefined) this.met += 1
    if (fault !== undefined && 'silent' in fault) return
    if (fault !== undefined && 'answer' in fault) {
      response.writeHead(fault.answer, fault.headers).end(fault.body ?? '')
      return
    }
    const cut = fault !== undefined && 'cut' in fault ? fault.cut : undefined
    if (cut === 'before') return void response.destroy()
    const answer = await fetch(`${this.#behind}${path}`, {
      method,
      ...(method !== 'GET' && { body: asked.body }),
      headers: { 'content-type': 'application/json' },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (cut === 'after') return void response.destroy()
    const changed = fault !== undefined && 'change' in fault ? fault.change(bytes) : bytes
    response.writeHead(answer.status).end(changed)
  }
}
