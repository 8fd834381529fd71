// Ports for servers that tests start and restart.

import { createServer } from 'node:net'

/** Below every system's range of ports for outgoing connections, so a restart finds it free. */
const FROM = 20_000
const TO = 32_000

const ATTEMPTS_MAX = 200

/** Ports on 127.0.0.1 that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt === ATTEMPTS_MAX) throw new Error(`no ${count} free ports between ${FROM} and ${TO}`)
    const port = FROM + Math.floor(Math.random() * (TO - FROM))
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}
