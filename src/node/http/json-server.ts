// An HTTP server of JSON over routes that somebody else gives: Kafka Connect's REST is one.
//
// Invariants: J1 a body is JSON or there is none. J2 what a route throws, and what the framework
// refuses, is an answer in the form that the owner of the routes gives errors; what is our own
// fault shows no detail. J3 a path that has routes answers 405 to other methods. H3 of server.ts.

import type { FastifyInstance } from 'fastify'
import { HbError } from '../../std/errors.ts'
import { parseJson } from '../../std/json-text.ts'
import type { Metric } from '../metrics/metric.ts'
import { closeApp, createApp, listenApp, urlOf } from './app.ts'
import { asHbError, errorBody, statusOf } from './failure.ts'
import { addMetrics } from './http-metrics.ts'
import { httpLimits, type HttpLimits } from './limits.ts'
import type { HttpServer } from './server.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type JsonMethod = (typeof METHODS)[number]

export type JsonRequest = {
  /** By the names in the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** undefined: there was none. */
  readonly body: unknown
}

/** Without a body it is empty. */
export type JsonAnswer = {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type JsonRoute = {
  readonly method: JsonMethod
  /** `:name` stands for one part. */
  readonly path: string
  readonly handle: (request: JsonRequest) => Promise<JsonAnswer> | JsonAnswer
}

export type JsonServerOptions = {
  readonly routes: readonly JsonRoute[]
  /** The body of an error. */
  readonly refusal: (status: number, message: string) => unknown
  /** What GET /metrics shows before what the server itself does. */
  readonly metrics: () => Promise<readonly Metric[]>
  readonly host?: string
  /** 0 (default): any that is free. */
  readonly port?: number
  readonly limits?: Partial<HttpLimits>
  /** Told of everything that is answered 5xx. */
  readonly onError?: (error: unknown) => void
}

/** Listens, and resolves with the address. Throws `listen-failed`. */
export async function listenJson(options: JsonServerOptions): Promise<HttpServer> {
  const { routes, refusal, metrics, host = '127.0.0.1', port = 0, onError } = options
  const limits = httpLimits(options.limits)
  const bodyOf = (error: HbError): unknown => refusal(statusOf(error), errorBody(error).message)
  const app = createApp(limits, bodyOf)
  app.setErrorHandler((caught, request, reply) => {
    const error = asHbError(caught, request.routeOptions.bodyLimit)
    const status = statusOf(error)
    if (status >= 500) onError?.(caught)
    if (status === 503) reply.header('retry-after', String(limits.retryAfterS))
    reply.code(status).send(bodyOf(error))
  })
  app.setNotFoundHandler((request) => {
    throw new HbError('route-unknown', `${request.method} ${request.url.slice(0, 200)}`)
  })
  app.removeAllContentTypeParsers()
  const parsed = { parseAs: 'buffer' } as const
  app.addContentTypeParser('application/json', parsed, (_request, bytes, done) => {
    try {
      const text = bytes.toString()
      done(null, text === '' ? undefined : parseJson(text))
    } catch {
      done(new HbError('body-malformed'))
    }
  })
  addMetrics(app, metrics, () => ({ streams: 0, waits: 0 }))
  for (const route of routes) addRoute(app, route)
  addRefusals(app, routes)
  await listenApp(app, host, port)
  let closing: Promise<void> | undefined
  return { url: urlOf(app, host), close: () => (closing ??= closeApp(app, limits)) }
}

function addRoute(app: FastifyInstance, { method, path, handle }: JsonRoute): void {
  app.route({
    method,
    url: path,
    async handler(request, reply) {
      const { status, body, headers = {} } = await handle({
        params: request.params as Readonly<Record<string, string>>,
        query: new URLSearchParams(request.url.split('?')[1] ?? ''),
        body: request.body,
      })
      return reply.code(status).headers(headers).send(body)
    },
  })
}

function addRefusals(app: FastifyInstance, routes: readonly JsonRoute[]): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const own = routes.filter((route) => route.path === path).map(({ method }) => method)
    const method = METHODS.filter((each) => !own.includes(each))
    if (method.length === 0) continue
    app.route({
      method,
      url: path,
      handler(request) {
        throw new HbError('method-unknown', `${request.method}; here are ${own.join(', ')}`)
      },
    })
  }
}
