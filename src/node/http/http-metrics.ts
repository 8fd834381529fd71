// GET /metrics: what the node shows of itself, what this server does, and the OS process, as text
// for Prometheus.
//
// Invariants: M1 labels come from the routes and the statuses that there are, never from what a
// request says. M2 counting a request takes memory only the first time that its route and status
// are met.

import type { FastifyInstance } from 'fastify'
import { Histogram } from '../../std/histogram.ts'
import type { Metric, MetricTable } from '../metrics/metric.ts'
import { exposition, EXPOSITION_TYPE, readMetrics } from '../metrics/metric.ts'
import type { ProcessMetrics } from '../metrics/process-metrics.ts'
import { processMetrics } from '../metrics/process-metrics.ts'

export type HttpSource = {
  readonly routes: ReadonlyMap<string, Route>
  /** Streams open, and requests that wait, now. */
  readonly streams: number
  readonly waits: number
}

type Route = { readonly byStatus: Map<number, number>; readonly seconds: Histogram }

export const HTTP_METRICS: MetricTable<HttpSource> = {
  hb_http_requests_total: {
    type: 'counter',
    help: 'Requests that were answered, by route and status.',
    labels: ['route', 'status'],
    read: ({ routes }) =>
      [...routes].flatMap(([route, { byStatus }]) =>
        [...byStatus].map(([status, value]) => ({ labels: { route, status }, value })),
      ),
  },
  hb_http_request_duration_seconds: {
    type: 'histogram',
    help: 'From a request to the end of its answer; of one that waits (?wait=), with the wait.',
    labels: ['route'],
    read: ({ routes }) =>
      [...routes].map(([route, { seconds }]) => ({ labels: { route }, histogram: seconds })),
  },
  hb_http_streams: {
    type: 'gauge',
    help: 'Readers that follow the log (/log/stream) now.',
    labels: [],
    read: ({ streams }) => streams,
  },
  hb_http_waits: {
    type: 'gauge',
    help: 'Requests that wait for a message to be sequenced or evaluated now.',
    labels: [],
    read: ({ waits }) => waits,
  },
}

/** Counts every request of the server, and adds the route; `ofOwner`: shown before the server's. */
export function addMetrics(
  app: FastifyInstance,
  ofOwner: () => Promise<readonly Metric[]>,
  now: () => Omit<HttpSource, 'routes'>,
): void {
  const routes = new Map<string, Route>()
  let ofProcess: ProcessMetrics | undefined
  app.addHook('onResponse', (request, reply, done) => {
    const name = request.routeOptions.url ?? 'none'
    const route: Route = routes.get(name) ?? { byStatus: new Map(), seconds: new Histogram() }
    routes.set(name, route)
    const { statusCode } = reply
    route.byStatus.set(statusCode, (route.byStatus.get(statusCode) ?? 0) + 1)
    route.seconds.observeMs(reply.elapsedTime)
    done()
  })
  app.get('/metrics', async (_request, reply) => {
    ofProcess ??= processMetrics()
    const [own, process] = await Promise.all([ofOwner(), ofProcess.text()])
    const http = readMetrics(HTTP_METRICS, { routes, ...now() })
    return reply
      .header('content-type', EXPOSITION_TYPE)
      .header('cache-control', 'no-store')
      .send(exposition([...own, ...http]) + process)
  })
}
