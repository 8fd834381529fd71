// POST /processes/{id}/dry-run: what a message would do.
//
// Invariant: R1 JSON is read here and nowhere else: a scope of its own keeps it from the routes
// that take messages in.

import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { dryRunSpec } from '../../protocol/dry-run.ts'
import { parseStrictJson } from '../../protocol/json.ts'
import { HbError } from '../../std/errors.ts'
import type { DryRunView, NodeApi } from '../api.ts'
import type { Query } from './query.ts'
import { atServingNode, partitionOfProcess, processId } from './where.ts'

/** Of a route with a body: how large it may be, and what counts it before it is read. */
export type BodyRoute = RouteShorthandOptions & { readonly bodyLimit: number }

export function addDryRunRoute(app: FastifyInstance, api: NodeApi, route: BodyRoute): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, read) =>
      read(null, body),
    )
    const preHandler = atServingNode(api, partitionOfProcess(api))
    scope.post('/processes/:id/dry-run', { ...route, preHandler }, (request) =>
      postDryRun(api, request, route.bodyLimit),
    )
    done()
  })
}

async function postDryRun(
  api: NodeApi,
  request: FastifyRequest,
  bytesMax: number,
): Promise<DryRunView> {
  const { body } = request
  if (!Buffer.isBuffer(body)) throw new HbError('media-type-unsupported', 'there is no body')
  const { inputDepthMax } = api.network.genesis.limits
  // the data may lie one deeper than by itself
  const spec = dryRunSpec(parseStrictJson(body, { depthMax: inputDepthMax + 1, bytesMax }))
  return api.dryRun(processId(request), spec, isAsked(request.query as Query, 'state'))
}

function isAsked(query: Query, name: string): boolean {
  const { [name]: value = 'false' } = query
  if (value === 'true' || value === 'false') return value === 'true'
  throw new HbError('query-invalid', `${name} must be true or false`)
}
