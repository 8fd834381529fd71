// R1 and R2 on the raw log: offsets, heights, prev hashes, forks. Judged by `accept` in facts.ts
// and walked here a second time without it.

import { asBuffer, equalBytes, toBase64Url } from '../../../src/std/bytes.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import { entryHash, genesisHash } from '../../../src/protocol/entry.ts'
import type { Facts, LogFact, PartitionFacts } from './facts.ts'
import type { Tell } from './history.ts'

/** No hole in the offsets of a log partition. */
export function offsetsContiguous({ history }: Facts, tell: Tell): void {
  history.partitions.forEach(({ log }, partition) => {
    for (let at = 1; at < log.length; at++) {
      const [before, offset] = [log[at - 1]?.offset ?? -1, log[at]?.offset ?? -1]
      if (offset === before + 1) continue
      tell({ partition, text: `offset ${offset} follows ${before}` })
    }
  })
}

/**
 * Heights 0, 1, 2, … each with the hash of the one before; nothing in the log extends what the log
 * does not hold, and nothing that fits was turned away.
 */
export function chainUnbroken({ network, partitions }: Facts, tell: Tell): void {
  for (const facts of partitions) {
    const { partition, entries } = facts
    let prev: Uint8Array = genesisHash(network.id, partition)
    let timestamp = 0
    entries.forEach((entry, height) => {
      const { message } = entry
      const hash = entryHash(network.id, { ...entry, partition, height, prev }, message)
      if (entry.height !== height || !equalBytes(entry.prev, prev) || !hash.equals(entry.hash)) {
        tell({ partition, height, id: message.id, text: `does not extend height ${height - 1}` })
      }
      if (entry.timestamp < timestamp) {
        tell({ partition, height, id: message.id, text: 'is older than the one before' })
      }
      prev = entry.hash
      timestamp = entry.timestamp
    })
    lostBetween(network.id, facts, tell)
  }
}

/** Every writer extends what it read: an entry whose `prev` is nowhere before it lost that one. */
function lostBetween(network: string, { partition, log }: PartitionFacts, tell: Tell): void {
  const known = new Set([toBase64Url(genesisHash(network, partition))])
  for (const fact of log) {
    if (fact.type === 'unreadable') tell({ partition, text: `offset ${fact.offset}: ${fact.why}` })
    if (fact.type !== 'entry' && fact.type !== 'superseded') continue
    const { entry, offset } = fact
    if (entry === undefined) {
      tell({ partition, text: `offset ${offset} is neither an entry nor a claim` })
      continue
    }
    const { height, message } = entry
    if (!known.has(toBase64Url(entry.prev))) {
      const text = `offset ${offset} extends an entry that the log does not hold before it`
      tell({ partition, height, id: message.id, text })
    }
    if (fact.type === 'superseded' && fact.why === 'timestamp') {
      tell({ partition, height, id: message.id, text: `offset ${offset} fits, but is too old` })
    }
    known.add(toBase64Url(entry.hash))
  }
}

/**
 * What was superseded was never built upon: only the rest of the very append that it came in
 * extends it (R2: whoever is not sure that its append settled writes no other before it knows).
 */
export function chainNotForked({ partitions }: Facts, tell: Tell): void {
  for (const { partition, log } of partitions) {
    const accepted = new Set<string>()
    const aside = new Set<string>()
    let before: LogFact | undefined
    for (const fact of log) {
      if (fact.type === 'entry') accepted.add(toBase64Url(fact.entry.hash))
      if (fact.type === 'superseded' && fact.entry !== undefined) {
        const prev = toBase64Url(fact.entry.prev)
        const builds = aside.has(prev) && !accepted.has(prev)
        if (builds && !isSameAppend(before, fact.entry)) {
          const { height, message } = fact.entry
          const text = `offset ${fact.offset} extends a superseded entry: two chains went on`
          tell({ partition, height, id: message.id, text })
        }
        aside.add(toBase64Url(fact.entry.hash))
      }
      before = fact
    }
  }
}

function isSameAppend(before: LogFact | undefined, entry: Entry): boolean {
  return before?.type === 'superseded' && before.entry !== undefined
    ? asBuffer(before.entry.hash).equals(entry.prev)
    : false
}
