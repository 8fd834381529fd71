// Rebuilds every process from the log alone, and compares each state hash with the one that was
// served live.

import { rebuild } from '../../dre/index.ts'
import { openEvaluator } from '../../node/index.ts'
import type { Log } from '../../log/port.ts'
import type { Network } from '../../protocol/genesis.ts'
import { toBase64Url } from '../../std/bytes.ts'
import { createMemoryStore } from '../../store/memory/index.ts'

export type Replay = {
  readonly entries: number
  readonly superseded: number
  readonly processes: number
  readonly identical: boolean
  /** Processes whose hash or slot differs, or that only one side has. */
  readonly different: readonly string[]
}

export type LiveProcess = {
  readonly process: string
  readonly slot: number
  readonly stateHash: string
}

export async function replay(
  network: Network,
  log: Log,
  live: readonly LiveProcess[],
  applicationId: string,
): Promise<Replay> {
  const evaluator = await openEvaluator(network, 1)
  try {
    const rebuilt = new Map<string, string>()
    let entries = 0
    let superseded = 0
    for (let partition = 0; partition < network.genesis.partitions; partition++) {
      const store = createMemoryStore()
      const part = await rebuild({ network, log, partition, evaluator, store, applicationId })
      entries += part.entries
      superseded += part.superseded
      for (const { process, slot, stateHash } of part.processes) {
        rebuilt.set(process, `${slot} ${toBase64Url(stateHash)}`)
      }
      await store.close()
    }
    const served = new Map(live.map((row) => [row.process, `${row.slot} ${row.stateHash}`]))
    const all = new Set([...rebuilt.keys(), ...served.keys()])
    const different = [...all].filter((process) => rebuilt.get(process) !== served.get(process))
    const identical = different.length === 0 && rebuilt.size > 0
    return { entries, superseded, processes: rebuilt.size, identical, different }
  } finally {
    await evaluator.close()
  }
}
