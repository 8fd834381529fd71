// A node's interface before there is the node: the server listens first, so that its address can be
// told to others when the node joins them.
// Invariant: until `set`, every call throws `node-starting`.

import type { Network } from '../../protocol/genesis.ts'
import { HbError } from '../../std/errors.ts'
import type { NodeApi } from '../api.ts'

export type LateApi = { readonly api: NodeApi; started(): boolean; set(api: NodeApi): void }

export function lateApi(network: Network): LateApi {
  const late: { api?: NodeApi } = {}
  const now = (): NodeApi => {
    if (late.api === undefined) throw new HbError('node-starting')
    return late.api
  }
  return {
    started: () => late.api !== undefined,
    set: (api) => (late.api = api),
    api: {
      network,
      submit: async (items, trace) => now().submit(items, trace),
      waitFor: async (id, stage, timeoutMs, scope) => now().waitFor(id, stage, timeoutMs, scope),
      message: async (id, scope) => now().message(id, scope),
      processes: async (page) => now().processes(page),
      part: async (page) => now().part(page),
      servedAt: async (partition) => now().servedAt(partition),
      process: async (id) => now().process(id),
      state: async (id) => now().state(id),
      dryRun: async (id, spec, withState) => now().dryRun(id, spec, withState),
      results: async (id, from, limit) => now().results(id, from, limit),
      tail: (partition, from, signal) => now().tail(partition, from, signal),
      health: () => now().health(),
      readiness: async () => now().readiness(),
      metrics: async () => now().metrics(),
    },
  }
}
