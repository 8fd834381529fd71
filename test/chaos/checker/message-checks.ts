// Wallets' messages: each acknowledged one has one place or one final refusal; receipts hold.

import type { Entry } from '../../../src/protocol/entry.ts'
import { signedDigest } from '../../../src/protocol/message.ts'
import { equalBytes, toBase64Url } from '../../../src/std/bytes.ts'
import type { Facts } from './facts.ts'
import type { SeenReceipt, Submission, Tell } from './history.ts'

/** An acknowledged message is in the log, or was refused for good. */
export function placedOrRefused(facts: Facts, tell: Tell): void {
  const refused = refusedIds(facts)
  for (const { id, process, item, acknowledgedAt } of facts.history.clients.submissions) {
    if (acknowledgedAt === undefined) continue
    const places = facts.places.get(id) ?? []
    if (places.length === 0 && !refused.has(id)) {
      tell({ id, text: `acknowledged at ${acknowledgedAt}, neither in the log nor refused` })
    }
    for (const { partition, height, message } of places) {
      const same = message.process === process && equalBytes(message.digest, signedDigest(item))
      if (!same) tell({ partition, height, id, text: 'holds other bytes than were signed' })
    }
  }
}

/** No message, whoever sent it, has two places. */
export function placedOnce({ places }: Facts, tell: Tell): void {
  for (const [id, entries] of places) {
    const [, second] = entries
    if (second === undefined) continue
    const all = entries.map(({ partition, height }) => `${partition}/${height}`).join(', ')
    tell({ partition: second.partition, height: second.height, id, text: `has places ${all}` })
  }
}

/** What was refused, to its sender or in the dead letters, has no place. */
export function refusedNotPlaced(facts: Facts, tell: Tell): void {
  for (const id of refusedIds(facts)) {
    const [entry] = facts.places.get(id) ?? []
    if (entry === undefined) continue
    const { partition, height } = entry
    tell({ partition, height, id, text: 'is refused, and has a place' })
  }
}

/** A refusal that a client was told of is in the dead letters, for the same reason. */
export function refusalsRecorded(facts: Facts, tell: Tell): void {
  const recorded = new Set(facts.refusals.map(({ id, code }) => `${id} ${code}`))
  for (const { id, code } of facts.history.clients.refusals) {
    if (!recorded.has(`${id} ${code}`)) tell({ id, text: `told "${code}", no dead letter says so` })
  }
}

/** A letter about other bytes with the same signature is not about the message (it was forged). */
function refusedIds({ history, refusals }: Facts): Set<string> {
  const items = new Map(history.clients.submissions.map(({ id, item }) => [id, item]))
  const ids = new Set(history.clients.refusals.map(({ id }) => id))
  for (const { id, item } of refusals) {
    const sent = id === undefined ? undefined : items.get(id)
    if (id !== undefined && sent && item && equalBytes(sent, item)) ids.add(id)
  }
  return ids
}

/** Every receipt ever shown for an id is the entry's own place. */
export function receiptsHold({ history, places }: Facts, tell: Tell): void {
  const first = new Map<string, SeenReceipt>()
  for (const receipt of history.clients.receipts) {
    const { id, partition, height } = receipt
    const before = first.get(id)
    if (before === undefined) first.set(id, receipt)
    else if (!isSame(before, receipt)) {
      const text = `two receipts: ${before.partition}/${before.height} and ${partition}/${height}`
      tell({ partition, height, id, text })
      continue
    }
    const at = (places.get(id) ?? []).some((entry) => isPlace(receipt, entry))
    if (!at) tell({ partition, height, id, text: 'the log has no such entry there' })
  }
}

function isSame(a: SeenReceipt, b: SeenReceipt): boolean {
  const place = a.partition === b.partition && a.height === b.height
  return place && a.hash === b.hash && a.timestamp === b.timestamp
}

function isPlace({ partition, height, hash, timestamp }: SeenReceipt, entry: Entry): boolean {
  const place = partition === entry.partition && height === entry.height
  return place && timestamp === entry.timestamp && hash === toBase64Url(entry.hash)
}

/**
 * Two messages of one wallet to one process keep their order where the first was acknowledged
 * before the second was sent (what NodeApi.submit promises).
 */
export function sendersInOrder({ history, places }: Facts, tell: Tell): void {
  const senders = new Map<string, Submission[]>()
  for (const each of history.clients.submissions) {
    const sender = `${each.wallet} ${each.process}`
    const list = senders.get(sender)
    if (list === undefined) senders.set(sender, [each])
    else list.push(each)
  }
  for (const list of senders.values()) {
    const acknowledged = [...list].sort(
      (a, b) => (a.acknowledgedAt ?? Infinity) - (b.acknowledgedAt ?? Infinity),
    )
    let next = 0
    let highest: Entry | undefined
    for (const { id, sentAt } of [...list].sort((a, b) => a.sentAt - b.sentAt)) {
      for (; (acknowledged[next]?.acknowledgedAt ?? Infinity) < sentAt; next++) {
        const [entry] = places.get((acknowledged[next] as Submission).id) ?? []
        if (entry !== undefined && entry.height > (highest?.height ?? -1)) highest = entry
      }
      const [entry] = places.get(id) ?? []
      if (entry === undefined || highest === undefined || entry.height > highest.height) continue
      const { partition, height } = entry
      tell({ partition, height, id, text: `was sent after ${highest.message.id} was acknowledged` })
    }
  }
}
