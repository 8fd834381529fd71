// Messages and their places in the log: one each, in an unbroken chain, as receipts say.

import type { Receipt } from '../../../src/node/index.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import { genesisHash } from '../../../src/protocol/entry.ts'
import { asBuffer, equalBytes, toBase64Url } from '../../../src/std/bytes.ts'
import type { Tell } from '../../chaos/checker/index.ts'
import type { Invariant, LogFact } from './watch.ts'

/** A message's id has one accepted place, in all partitions. */
export const oneMessageOnePlace: Invariant = (known, tell) => ({
  log(fact) {
    if (fact.type !== 'entry') return
    const { partition, height, message } = fact.entry
    const { id } = message
    const first = known.places.get(id)
    if (first === fact.entry || first === undefined) return
    const text = `is at ${first.partition}/${first.height} already`
    tell({ partition, height, id, text })
  },
})

/**
 * Every accepted entry extends the chain, walked here without `accept`. What is superseded was
 * written on another view: it extends what the log held before it, and nothing that fits is turned
 * away. Offsets have no hole.
 */
export const chainUnbroken: Invariant = ({ network, partitions }, tell) => {
  const walks = partitions.map((_, partition) => {
    const hash: Uint8Array = genesisHash(network.id, partition)
    const known = new Set([toBase64Url(hash)])
    return { height: -1, timestamp: 0, hash, known, offset: -1 }
  })
  return {
    log(fact) {
      const walk = walks[fact.partition]
      if (walk === undefined) return
      const { partition, offset } = fact
      if (offset !== walk.offset + 1) {
        tell({ partition, text: `offset ${offset} follows ${walk.offset}` })
      }
      walk.offset = offset
      if (fact.type === 'unreadable') tell({ partition, text: `offset ${offset}: ${fact.why}` })
      if (fact.type === 'superseded') notTurnedAway(fact, tell)
      if (fact.type === 'claim' || fact.type === 'unreadable') return
      const { entry } = fact
      if (entry === undefined) return
      const at = { partition, height: entry.height, id: entry.message.id }
      if (!walk.known.has(toBase64Url(entry.prev))) {
        const text = `offset ${offset} extends an entry that the log does not hold before it`
        tell({ ...at, text })
      }
      walk.known.add(toBase64Url(entry.hash))
      if (fact.type !== 'entry') return
      const extended = entry.height === walk.height + 1 && asBuffer(entry.prev).equals(walk.hash)
      if (!extended) tell({ ...at, text: `does not extend height ${walk.height}` })
      if (entry.timestamp < walk.timestamp) tell({ ...at, text: 'is older than the one before' })
      walk.height = entry.height
      walk.hash = entry.hash
      walk.timestamp = entry.timestamp
    },
  }
}

/** These are judged after height and hash: whoever wrote it had the right view. */
const FITTING: ReadonlySet<string> = new Set(['timestamp', 'duplicate', 'gap'])

function notTurnedAway(fact: LogFact & { readonly type: 'superseded' }, tell: Tell): void {
  const { partition, offset, why, entry } = fact
  if (entry === undefined) tell({ partition, text: `offset ${offset} is no entry and no claim` })
  else if (FITTING.has(why)) {
    const { height, message } = entry
    const text = `offset ${offset} extends the chain, and is turned away: ${why}`
    tell({ partition, height, id: message.id, text })
  }
}

/**
 * A receipt that a node gave names an entry that the log holds, accepted, in that instant; and what
 * was refused has no place, before or after.
 */
export const receiptsHold: Invariant = ({ partitions, places }, tell) => {
  const refused = new Map<string, string>()
  return {
    log(fact) {
      if (fact.type !== 'entry') return
      const { partition, height, message } = fact.entry
      const { id } = message
      const by = refused.get(id)
      if (by !== undefined) tell({ partition, height, id, text: `${by} said that it is refused` })
    },
    status(node, { id, stage, receipt, refusal }) {
      if (receipt !== undefined) {
        const { partition, height } = receipt
        const entry = partitions[partition]?.entries[height]
        const holds = entry !== undefined && entry.message.id === id && isPlace(receipt, entry)
        if (!holds) tell({ partition, height, id, text: `${node} gave a receipt for this place` })
      }
      if (stage !== 'refused') return
      refused.set(id, `${node} (${refusal?.code ?? 'no reason'})`)
      const entry = places.get(id)
      const by = refusal?.code ?? 'no reason'
      if (receipt !== undefined || entry !== undefined) {
        const place = `${entry?.partition}/${entry?.height}`
        tell({ id, text: `${node} said that it is refused (${by}); it is at ${place}` })
      }
    },
  }
}

/** Refused as expired is only what the log's own time was past when it was refused. */
export const expiryByLogTime: Invariant = (known, tell) => ({
  letter({ partition, offset, code, value }) {
    if (code !== 'expired') return
    const { timestamp } = known.partition(partition).view
    const expires = known.expiryOf(value)
    if (expires !== undefined && timestamp > expires) return
    const text = `ingress offset ${offset}, expires ${expires}, is refused at log time ${timestamp}`
    tell({ partition, text })
  },
})

function isPlace({ hash, timestamp }: Receipt, entry: Entry): boolean {
  return timestamp === entry.timestamp && hash === toBase64Url(entry.hash)
}

/**
 * What readers say of the log: heads and manifests that are published, and heights and processes
 * that nodes show, agree with what is accepted; none is above it.
 */
export const readersAgree: Invariant = ({ network, partitions, heights }, tell) => ({
  head({ partition, height, hash, timestamp, counters }) {
    const entry = partitions[partition]?.entries[height]
    const isSame = entry !== undefined && equalBytes(entry.hash, hash)
    if (!isSame || entry.timestamp !== timestamp) {
      tell({ partition, height, text: 'is published as a head, and is not in the log' })
    }
    const ahead = counters.findIndex((counter, source) => {
      return counter > (partitions[partition]?.view.counters[source] ?? -1)
    })
    if (ahead < 0) return
    tell({ partition, height, text: `a head counts more of channel ${ahead} than the log` })
  },
  health(node, health) {
    for (const { partition, height, evaluated } of health.partitions) {
      const { length } = partitions[partition]?.entries ?? []
      const shown = Math.max(height, evaluated)
      if (shown < length) continue
      tell({ partition, height: shown, text: `${node} shows it; the log ends at ${length - 1}` })
    }
  },
  process(node, { process, partition, slot, height, stateHash }) {
    const all = heights.get(process) ?? []
    const from = all[slot] ?? Infinity
    const result = partitions[partition]?.results[from]
    const isSame = result !== undefined && toBase64Url(result.stateHash) === stateHash
    // whoever began at a manifest knows of no entry, only that this was the state at its height
    const isAt = from === height || (height + 1) % network.genesis.intervalLength === 0
    if (isSame && isAt && from <= height && (all[slot + 1] ?? Infinity) > height) return
    tell({ partition, height, id: process, text: `${node} shows slot ${slot} of it there` })
  },
})
