// A proxy in front of one broker that knows Kafka's frames: it can cut a connection in the middle of
// a request, lose an answer, keep it to itself, or be late. The broker must name the proxy's port as
// its own (`advertised.listeners`), so that clients come back to it.

import { createServer, connect } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

export const API = { produce: 0, fetch: 1, offsetCommit: 8, heartbeat: 12 } as const

export type Verdict =
  | 'pass'
  /** The broker never sees the request. */
  | 'cut before'
  /** The broker sees half of it. */
  | 'cut within'
  /** The broker does what it is asked; its answer is lost with the connection. */
  | 'lose answer'
  /** The same, but the connection stays, silent. */
  | 'keep answer'
  | { readonly delayMs: number }

export class TcpProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Asked for each request; set by the test. */
  verdict: (apiKey: number) => Verdict = () => 'pass'
  /** Connections taken from clients. */
  connections = 0
  #target = 0
  #port = 0

  private constructor() {
    this.#server = createServer((client) => this.#serve(client))
  }

  static async start(): Promise<TcpProxy> {
    const proxy = new TcpProxy()
    await proxy.open()
    proxy.#port = (proxy.#server.address() as AddressInfo).port
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** Where the broker is. */
  to(port: number): void {
    this.#target = port
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Nobody listens any more, and all connections are cut; `open` undoes it. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cutAll()
    await closed
  }

  open(): Promise<void> {
    if (this.#server.listening) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, '127.0.0.1', resolve)
    })
  }

  #serve(client: Socket): void {
    this.connections += 1
    const broker = connect(this.#target, '127.0.0.1')
    /** By correlation id, of those whose answers do not simply pass. */
    const marked = new Map<number, Verdict>()
    const cut = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        cut()
      })
    }
    onFrames(client, (frame) => {
      const verdict = this.verdict(frame.readInt16BE(4))
      if (verdict === 'cut before') return cut()
      if (verdict === 'cut within') {
        broker.end(frame.subarray(0, frame.length >>> 1))
        return client.destroy()
      }
      if (verdict !== 'pass') marked.set(frame.readInt32BE(8), verdict)
      broker.write(frame)
    })
    onFrames(broker, (frame) => {
      const verdict = marked.get(frame.readInt32BE(4)) ?? 'pass'
      if (verdict === 'pass') return void client.write(frame)
      if (verdict === 'lose answer') return cut()
      if (typeof verdict === 'object') setTimeout(() => client.write(frame), verdict.delayMs)
    })
  }
}

/** Whole frames, their lengths included. */
function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let held = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
      const length = 4 + held.readInt32BE(0)
      const frame = held.subarray(0, length)
      held = held.subarray(length)
      take(frame)
    }
  })
}
