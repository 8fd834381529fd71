// Where a request is answered: here, or at the node that serves the process or the partition.
//
// Invariants: W1 a redirect keeps path and query. W2 a request that was sent on once is not sent on
// again, nor is one sent back to where it came in: it is `process-unserved`, and comes again later.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { partitionOf } from '../../protocol/topics.ts'
import { HbError } from '../../std/errors.ts'
import type { NodeApi } from '../api.ts'
import { FORWARDED_HEADER } from '../peers.ts'
import { idOf } from './query.ts'

/** Another node asks: what it wants is what this one knows by itself. */
export function isForwarded(request: FastifyRequest): boolean {
  return request.headers[FORWARDED_HEADER] === '1'
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>

/** Runs before a route whose answer is with the DRE of one partition. */
export function atServingNode(
  api: NodeApi,
  partitionFor: (request: FastifyRequest) => number,
): Handler {
  return async (request, reply) => {
    const partition = partitionFor(request)
    const where = await api.servedAt(partition)
    if (where === 'here') return undefined
    if (where === undefined || isForwarded(request)) {
      throw new HbError('process-unserved', `partition ${partition}`)
    }
    return reply
      .code(307)
      .header('location', `${where}${request.url}`)
      .header('cache-control', 'no-store')
      .send()
  }
}

export function processId(request: FastifyRequest): string {
  return idOf((request.params as { id: string }).id, 'process id')
}

export function partitionOfProcess(api: NodeApi) {
  return (request: FastifyRequest): number =>
    partitionOf(processId(request), api.network.genesis.partitions)
}
