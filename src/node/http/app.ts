// The HTTP framework as every server of this room has it: limits, an answer to what never became a
// request, an address, and an end. It knows no route.

import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Socket } from 'node:net'
import { HbError } from '../../std/errors.ts'
import { statusOf } from './failure.ts'
import type { HttpLimits } from './limits.ts'

/** `bodyOf`: how errors look here. */
export function createApp(
  limits: HttpLimits,
  bodyOf: (error: HbError) => unknown,
): FastifyInstance {
  const app = fastify({
    logger: false,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      // must not be over requestTimeout: Node would take one for the other
      headersTimeout: Math.min(60_000, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.max(10, Math.min(5_000, limits.requestTimeoutMs)),
    },
    clientErrorHandler: (caught: Error & { code?: string }, socket) => {
      answerBadRequest(caught, socket, bodyOf)
    },
  })
  app.server.maxConnections = limits.connectionsMax
  return app
}

// What never became a request: broken HTTP, headers too large, or too slow.
function answerBadRequest(
  caught: Error & { code?: string },
  socket: Socket,
  bodyOf: (error: HbError) => unknown,
): void {
  if (caught.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const slow = caught.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const error = new HbError(slow ? 'request-too-slow' : 'body-malformed')
  const body = JSON.stringify(bodyOf(error))
  socket.end(
    [
      `HTTP/1.1 ${statusOf(error)} ${slow ? 'Request Timeout' : 'Bad Request'}`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}

/** Throws `listen-failed`. */
export async function listenApp(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    await app.close()
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    throw new HbError('listen-failed', `${host}:${port} (${why})`, { cause })
  }
}

export function urlOf(app: FastifyInstance, host: string): string {
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** With what is under way cut off closeGraceMs later. */
export async function closeApp(app: FastifyInstance, limits: HttpLimits): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), limits.closeGraceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(cut)
  }
}
