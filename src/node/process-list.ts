// The processes of the network: each node's part, put together.
//
// Invariant: a list is whole or it is refused: every partition was told of by a node that has it
// open, or it throws.

import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { Page, Part, ProcessView } from './api.ts'
import type { PeerLimits } from './peer-limits.ts'
import type { Peers } from './peers.ts'
import type { Routes } from './routes.ts'

export type ProcessListOptions = {
  readonly partitions: number
  readonly clock: Clock
  readonly routes: Routes
  readonly peers: Peers
  readonly limits: PeerLimits
  /** This node's own. */
  readonly part: (page: Page) => Part
}

const LIMIT_DEFAULT = 100
/** Partitions may move while they are asked for: looked up again so often. */
const TRIES = 2

/** Errors: `process-unserved`, `peer-unreachable`. */
export async function listProcesses(o: ProcessListOptions, page: Page): Promise<ProcessView[]> {
  const limit = page.limit ?? LIMIT_DEFAULT
  for (let tried = 1; ; tried++) {
    try {
      return await ask(o, { ...page, limit })
    } catch (error) {
      o.routes.doubt()
      if (tried === TRIES) throw error
      await o.clock.sleep(o.limits.routeRefreshMsMin)
    }
  }
}

async function ask(
  { partitions, routes, peers, part }: ProcessListOptions,
  page: Page & { readonly limit: number },
): Promise<ProcessView[]> {
  const addresses = new Set<string>()
  for (let partition = 0; partition < partitions; partition++) {
    const owner = await routes.owner('dre', partition)
    if (owner === undefined) throw new HbError('process-unserved', `partition ${partition}`)
    if (owner !== 'here') addresses.add(owner)
  }
  const parts = await Promise.all([...addresses].map((address) => peers.part(address, page)))
  parts.push(part(page))
  const told = new Set(parts.flatMap((each) => each.partitions))
  for (let partition = 0; partition < partitions; partition++) {
    if (!told.has(partition)) throw new HbError('process-unserved', `partition ${partition}`)
  }
  // one that moved just now may be told of twice: the later state is the newer
  const byId = new Map<string, ProcessView>()
  for (const view of parts.flatMap(({ processes }) => processes)) {
    if ((byId.get(view.process)?.slot ?? -Infinity) <= view.slot) byId.set(view.process, view)
  }
  const ids = [...byId.keys()].sort().slice(0, page.limit)
  return ids.map((id) => byId.get(id) as ProcessView)
}
