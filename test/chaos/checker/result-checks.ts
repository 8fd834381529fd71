// Results and states: what is published, what clients were shown, and what a fresh evaluation of
// the same log gives (R4, R6, R7).

import type { Network } from '../../../src/protocol/genesis.ts'
import type { Result } from '../../../src/protocol/result.ts'
import { resultLeaf } from '../../../src/protocol/result.ts'
import { canonicalJson } from '../../../src/protocol/genesis.ts'
import { resultView } from '../../../src/node/views.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'
import type { Facts } from './facts.ts'
import type { Tell } from './history.ts'

/**
 * What a partition's results are, by height: the first publication of each; where the outbox was
 * trimmed, or lacks one, what the log evaluates to.
 */
export function publishedResults({ partitions, history }: Facts, partition: number): Result[] {
  const results = [...(history.evaluated[partition]?.results ?? [])]
  const found = new Set<number>()
  for (const { run } of partitions[partition]?.runs ?? []) {
    for (const result of run?.results ?? []) {
      if (found.has(result.height)) continue
      found.add(result.height)
      results[result.height] = result
    }
  }
  return results.filter((result) => result !== undefined)
}

/** Publications of one height agree, whoever published it and however often. */
export function publicationsAgree({ network, partitions }: Facts, tell: Tell): void {
  for (const { partition, runs } of partitions) {
    const first = new Map<number, string>()
    for (const { offset, run } of runs) {
      if (run === undefined || run.partition !== partition) {
        tell({ partition, text: `outbox offset ${offset} is no run of this partition` })
        continue
      }
      run.results.forEach((result, at) => {
        const { height, messageId: id } = result
        const leaf = leafText(network, partition, result)
        const before = first.get(height)
        if (before === undefined) first.set(height, leaf)
        if (height === run.from + at && (before ?? leaf) === leaf) return
        tell({ partition, height, id, text: `outbox offset ${offset} says something else` })
      })
    }
  }
}

/** Every height is published; no run begins above the next height (R7), but after a trim. */
export function publicationsComplete({ partitions }: Facts, tell: Tell): void {
  for (const { partition, entries, runs } of partitions) {
    let next: number | undefined
    for (const { offset, run } of runs) {
      if (run === undefined) continue
      if (next !== undefined && run.from > next) {
        tell({ partition, height: next, text: `outbox offset ${offset} begins at ${run.from}` })
      }
      next = Math.max(next ?? 0, run.from + run.results.length)
    }
    if ((next ?? 0) === entries.length) continue
    const text = `${entries.length} entries, results up to ${(next ?? 0) - 1}`
    tell({ partition, text })
  }
}

/** A result, once shown to a client, is the one that the outbox holds. */
export function resultsFinal(facts: Facts, tell: Tell): void {
  const { network, history } = facts
  const published = facts.partitions.map(({ partition }) => {
    return new Map(publishedResults(facts, partition).map((result) => [result.height, result]))
  })
  for (const seen of history.clients.results) {
    const { partition, height, messageId: id } = seen
    const result = published[partition]?.get(height)
    const view = result && canonicalJson(resultView(network, partition, result))
    if (view === canonicalJson(seen)) continue
    tell({ partition, height, id, text: 'a client was shown another result' })
  }
}

/** Results, state hash included, are what a fresh evaluation of the log gives. */
export function evaluationAgrees(facts: Facts, tell: Tell): void {
  const { network, history, partitions } = facts
  for (const { partition, entries } of partitions) {
    const { results = [] } = history.evaluated[partition] ?? {}
    if (results.length !== entries.length) {
      tell({ partition, text: `${entries.length} entries, ${results.length} evaluated afresh` })
    }
    for (const result of publishedResults(facts, partition)) {
      const { height, messageId: id } = result
      const fresh = results[height]
      const entry = entries[height]
      const place = entry !== undefined && Buffer.from(entry.hash).equals(result.entryHash)
      if (!place) tell({ partition, height, id, text: 'is a result of no entry of the log' })
      else if (fresh === undefined) continue
      else if (leafText(network, partition, fresh) !== leafText(network, partition, result)) {
        tell({ partition, height, id, text: `differs: ${differences(fresh, result)}` })
      }
    }
  }
}

/** A state, whenever it was read, is that of the slot that it names. */
export function statesAgree({ history }: Facts, tell: Tell): void {
  const hashes = new Map<string, string>()
  const last = new Map<string, number>()
  const texts = new Map<string, string>()
  for (const { results, states } of history.evaluated) {
    for (const { process, slot, stateHash } of results) {
      hashes.set(`${process} ${slot}`, toBase64Url(stateHash))
      last.set(process, slot)
    }
    for (const [process, text] of states) texts.set(process, text)
  }
  for (const { process, slot, stateHash, text } of history.clients.states) {
    if (hashes.get(`${process} ${slot}`) !== stateHash) {
      tell({ id: process, text: `slot ${slot} was read with the state hash ${stateHash}` })
    } else if (slot === last.get(process) && texts.get(process) !== text) {
      tell({ id: process, text: `slot ${slot} was read with another text` })
    }
  }
}

function leafText(network: Network, partition: number, result: Result): string {
  return toBase64Url(resultLeaf(network.id, partition, result))
}

function differences(fresh: Result, result: Result): string {
  const names = Object.keys(fresh) as (keyof Result)[]
  return names.filter((name) => shown(fresh[name]) !== shown(result[name])).join(', ')
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, held: unknown) => {
    if (held instanceof Uint8Array) return toBase64Url(held)
    const json = held as { type?: unknown; data?: unknown } | null
    const isBuffer = json?.type === 'Buffer' && Array.isArray(json.data)
    return isBuffer ? toBase64Url(Buffer.from(json.data as number[])) : held
  })
}
