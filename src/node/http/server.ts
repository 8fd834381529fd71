// The HTTP server of a node: routes over NodeApi, limits, errors, a graceful end. It knows no roles
// and no log.
//
// Owners: the framework owns connections and parsing; waits.ts owns those who wait, stream.ts those
// who follow the log.
// Invariants: H1 every refusal has a code of the error table. H2 bodies are bytes: nothing but
// octet-stream is read. H3 `close` resolves with no connection left, at the latest closeGraceMs
// after what was under way was let go. H4 before there is a node, every request is answered 503.

import type { FastifyInstance } from 'fastify'
import type { Network } from '../../protocol/genesis.ts'
import type { NodeApi } from '../api.ts'
import { HbError } from '../../std/errors.ts'
import { asHbError, errorBody, sendError } from './failure.ts'
import { closeApp, createApp, listenApp, urlOf } from './app.ts'
import { addMetrics } from './http-metrics.ts'
import { httpLimits, type HttpLimits } from './limits.ts'
import { lateApi } from './late-api.ts'
import { addReadRoutes } from './read-routes.ts'
import { Streams } from './stream.ts'
import { Waits } from './waits.ts'
import { addWriteRoutes } from './write-routes.ts'

export type ListenOptions = {
  /** What the node will be of: its limits are those of bodies. */
  readonly network: Network
  readonly host?: string
  /** 0 (default): any that is free. */
  readonly port?: number
  readonly limits?: Partial<HttpLimits>
  /**
   * Told of everything that is answered 5xx for the node's own fault: the answer itself says
   * little.
   */
  readonly onError?: (error: unknown) => void
}

export type HttpOptions = Omit<ListenOptions, 'network'> & { readonly api: NodeApi }

export type HttpServer = {
  readonly url: string
  close(): Promise<void>
}

/** `serve`: from now on requests go to the node; before, the answer is `node-starting`. */
export type EarlyHttpServer = HttpServer & { serve(api: NodeApi): void }

/** The server of a node that is up. Throws `listen-failed`. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { api, ...rest } = options
  const server = await listenHttp({ ...rest, network: api.network })
  server.serve(api)
  return server
}

/** Listens, and resolves with the address. Throws `listen-failed`. */
export async function listenHttp(options: ListenOptions): Promise<EarlyHttpServer> {
  const { network, host = '127.0.0.1', port = 0, onError = () => undefined } = options
  const limits = httpLimits(options.limits)
  const app = createApp(limits, (error) => ({ error: errorBody(error) }))
  const late = lateApi(network)
  const { api } = late
  const waits = new Waits(api, limits)
  const streams = new Streams(api, limits, onError)
  app.setErrorHandler((caught, request, reply) => {
    const error = asHbError(caught, request.routeOptions.bodyLimit)
    if (error.kind === 'bug' || error.kind === 'operator') onError(caught)
    sendError(reply, error, limits.retryAfterS)
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new HbError('route-unknown', `${request.method} ${request.url.slice(0, 200)}`)
    sendError(reply, error, limits.retryAfterS)
  })
  app.addHook('onRequest', (_request, _reply, done) => {
    done(late.started() ? undefined : new HbError('node-starting'))
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  )
  const parts = { api, limits, waits }
  addMetrics(app, () => api.metrics(), () => ({ streams: streams.count, waits: waits.count }))
  addWriteRoutes(app, parts)
  addReadRoutes(app, parts)
  streams.addRoute(app)
  await listenApp(app, host, port)
  const close = closer(app, limits, waits, streams)
  return { url: urlOf(app, host), serve: (node) => late.set(node), close }
}

function closer(app: FastifyInstance, limits: HttpLimits, waits: Waits, streams: Streams) {
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    waits.close()
    streams.close()
    return closeApp(app, limits)
  }
  return (): Promise<void> => (closing ??= close())
}
