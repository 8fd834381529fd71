// R3's channels: what the results of one partition send to another arrives in order, without gap,
// unaltered, and all of it.

import type { Entry } from '../../../src/protocol/entry.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { relayedMessage } from '../../../src/protocol/message.ts'
import { partitionOf } from '../../../src/protocol/topics.ts'
import { equalBytes } from '../../../src/std/bytes.ts'
import type { Facts } from './facts.ts'
import type { Tell } from './history.ts'
import { publishedResults } from './result-checks.ts'

type Channel = { readonly source: number; readonly target: number; readonly entries: Entry[] }

/** Sequence numbers of each channel as accepted: 1, 2, 3, …; nothing that fits was out of turn. */
export function channelsInOrder(facts: Facts, tell: Tell): void {
  for (const { source, target, entries } of channelsOf(facts)) {
    entries.forEach(({ height, message }, at) => {
      const seq = message.origin?.seq ?? -1
      if (seq === at + 1) return
      const text = `channel ${source}→${target} has ${seq} where ${at + 1} is next`
      tell({ partition: target, height, id: message.id, text })
    })
  }
  for (const { partition, log } of facts.partitions) {
    for (const fact of log) {
      if (fact.type !== 'superseded' || fact.entry === undefined) continue
      // judged after place and time, so a sequencer took it for the next one
      if (fact.why !== 'gap' && fact.why !== 'duplicate') continue
      const { height, message } = fact.entry
      const { origin } = message
      const text = `a ${fact.why} in channel ${origin?.partition}→${partition} at ${origin?.seq}`
      tell({ partition, height, id: message.id, text })
    }
  }
}

/** Every message of a process in the log is the one that its source's result sent there. */
export function channelsFaithful(facts: Facts, tell: Tell): void {
  const sent = sentMessages(facts)
  for (const { source, target, entries } of channelsOf(facts)) {
    const messages = sent(source, target)
    entries.forEach(({ height, message }, at) => {
      const original = messages[at]
      const { id, origin } = message
      if (original === undefined) {
        const text = `channel ${source}→${target} never sent message ${at + 1}`
        tell({ partition: target, height, id, text })
      } else if (original.id !== id || !equalBytes(original.digest, message.digest)) {
        const place = `${origin?.height}/${origin?.index}`
        const text = `is not message ${at + 1} of ${source}→${target} (says ${place})`
        tell({ partition: target, height, id, text })
      }
    })
  }
}

/** When all is quiet, everything that was sent has arrived; what is sent is numbered 1, 2, 3, … */
export function channelsComplete(facts: Facts, tell: Tell): void {
  const sent = sentMessages(facts)
  for (const { source, target, entries } of channelsOf(facts)) {
    const messages = sent(source, target)
    messages.forEach(({ id, origin }, at) => {
      if (origin?.seq === at + 1) return
      const text = `sent as ${origin?.seq} of ${source}→${target} where ${at + 1} is next`
      tell({ partition: source, ...(origin && { height: origin.height }), id, text })
    })
    const missing = messages[entries.length]
    if (missing === undefined) continue
    const text = `channel ${source}→${target}: ${entries.length} of ${messages.length} arrived`
    tell({ partition: target, id: missing.id, text })
  }
}

/** Each pair of partitions, with what was accepted of it in order of height. */
function channelsOf({ network, partitions }: Facts): Channel[] {
  const count = network.genesis.partitions
  const channels = Array.from({ length: count * count }, (_, at): Channel => ({
    source: Math.floor(at / count),
    target: at % count,
    entries: [],
  }))
  for (const { partition: target, entries } of partitions) {
    for (const entry of entries) {
      const { origin } = entry.message
      if (origin !== undefined) channels[origin.partition * count + target]?.entries.push(entry)
    }
  }
  return channels
}

function sentMessages(facts: Facts): (source: number, target: number) => readonly Message[] {
  const { network } = facts
  const count = network.genesis.partitions
  const all = Array.from({ length: count * count }, (): Message[] => [])
  facts.partitions.forEach(({ partition: source }) => {
    for (const { height, process, messages } of publishedResults(facts, source)) {
      messages.forEach((content, index) => {
        if (content.kind === 'event') return
        const origin = { partition: source, height, index, seq: content.seq }
        const message = relayedMessage(network.id, process, origin, content)
        all[source * count + partitionIn(network, message)]?.push(message)
      })
    }
  })
  return (source, target) => all[source * count + target] ?? []
}

function partitionIn({ genesis }: Network, { process }: Message): number {
  return partitionOf(process, genesis.partitions)
}
