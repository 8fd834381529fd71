// Everything again from the log alone, by an evaluator that has seen nothing, held against what the
// nodes have.
//
// Invariant: a process is compared at the slot that the rebuild came to, so that messages under way
// make no difference.

import { rebuild } from '../dre/index.ts'
import type { Log } from '../log/port.ts'
import type { NodeApi } from '../node/index.ts'
import { openEvaluator } from '../node/index.ts'
import type { Network } from '../protocol/genesis.ts'
import { toBase64Url } from '../std/bytes.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import { createMemoryStore } from '../store/memory/index.ts'
import type { TestNodes } from './test-nodes.ts'

export type Comparison = {
  readonly entries: number
  /** Records that every reader ignores alike: repeats, late writes. */
  readonly superseded: number
  readonly processes: number
  /** At least one process, and every state hash the same. */
  readonly identical: boolean
  /** Ids of processes whose hashes differ, or that the nodes do not have. */
  readonly different: readonly string[]
}

export type RebuildPlace = {
  readonly network: Network
  readonly log: Log
  readonly applicationId: string
  readonly nodes: TestNodes
  readonly timeoutMs: number
}

const LOOK_AGAIN_MS = 2

export async function compareWithRebuilt(place: RebuildPlace): Promise<Comparison> {
  const { network, log, applicationId } = place
  let entries = 0
  let superseded = 0
  let processes = 0
  const different: string[] = []
  const evaluator = await openEvaluator(network, 0)
  try {
    for (let partition = 0; partition < network.genesis.partitions; partition++) {
      const store = createMemoryStore()
      const part = await rebuild({ network, log, partition, evaluator, store, applicationId })
      await store.close()
      const api = await served(place, partition, part.entries - 1)
      entries += part.entries
      superseded += part.superseded
      for (const { process, slot, stateHash } of part.processes) {
        if (slot < 0) continue
        processes += 1
        const own = await hashAt(api, process, slot)
        if (own !== toBase64Url(stateHash)) different.push(process)
      }
    }
  } finally {
    await evaluator.close()
  }
  const identical = processes > 0 && different.length === 0
  return { entries, superseded, processes, identical, different }
}

/** The node that serves a partition, once it has evaluated this height. */
async function served(
  { nodes, timeoutMs }: RebuildPlace,
  partition: number,
  height: number,
): Promise<NodeApi> {
  const end = systemClock.now() + timeoutMs
  for (;;) {
    const api = nodes.serving(partition)
    const evaluated = api?.health().partitions[partition]?.evaluated ?? -1
    if (api !== undefined && evaluated >= height) return api
    nodes.check()
    if (systemClock.now() >= end) {
      const what = `no node has evaluated partition ${partition} up to height ${height}`
      throw new HbError('test-timeout', `${what} after ${timeoutMs} ms`)
    }
    await systemClock.sleep(LOOK_AGAIN_MS)
  }
}

async function hashAt(api: NodeApi, process: string, slot: number): Promise<string | undefined> {
  const row = await api.process(process)
  if (row?.slot === slot) return row.stateHash
  return (await api.results(process, slot, 1))[0]?.stateHash
}
