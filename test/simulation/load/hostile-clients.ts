// Hostile clients: items that no node may take, the same item to several nodes at once, items that
// expire about now, claims of being someone else; and records put straight into ingress, as any
// Kafka client may.
//
// What is put there is judged by its place: refused for the right reason, or dropped; never placed.

import type { Violation } from '../../chaos/checker/index.ts'
import { FORGED_SEQ_MIN, forgeItem } from './forgeries.ts'
import type { Put } from './ingress-forger.ts'
import { IngressForger, isAt, transferItem } from './ingress-forger.ts'
import type { Draft, Ending, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

export function hostileClients(): Workload {
  const forger = new IngressForger()
  return {
    name: 'hostile-clients',
    tokenNames: [],
    contracts: [],
    processes: () => [],
    models: () => [],
    draft: (turn) => draft(turn, forger),
    judge: (ending) => judgePuts(ending, forger.puts),
  }
}

/** All of it to a token that always is there. */
function draft(turn: Turn, forger: IngressForger): Draft | undefined {
  const { random, network, nowMs, wallets, wallet } = turn
  const target = network.processIds.get('token-0') as string
  const dice = random.below(100)
  if (dice < 30) {
    const { bytes, code } = forgeItem(turn, target)
    return { refused: bytes, code }
  }
  if (dice < 60) {
    const bytes = forger.act(turn, target)
    return bytes && { bytes }
  }
  if (dice < 70) return { bytes: transferItem(turn, target), times: 2 + random.below(5) }
  if (dice < 88) {
    const expires = nowMs - 500 + random.below(4_000)
    return { bytes: transferItem(turn, target, { expires }), times: 1 + random.below(3) }
  }
  const other = oneOf(random, wallets).address
  const claims = { From: other, Owner: other, Caller: other, Sender: other, 'HB-Caller': other }
  const tags = { ...claims, Recipient: wallet.address, Quantity: '3' }
  return { bytes: transferItem(turn, target, { tags }) }
}

/** Each is refused, wherever it was read, for its one reason; and what is dropped is not told. */
export function judgePuts({ refusals, partitions }: Ending, puts: readonly Put[]): Violation[] {
  const told: Violation[] = []
  for (const { partition, offset, code } of puts) {
    const invariant = 'forgeries-refused'
    const codes = new Set(
      refusals.filter((each) => isAt(each, partition, offset)).map((each) => each.code),
    )
    if (code !== undefined && codes.size === 0) {
      told.push({ invariant, partition, text: `ingress ${offset} is not refused as ${code}` })
    }
    for (const seen of codes) {
      if (seen === code) continue
      const text = `ingress ${offset} is refused as ${seen}, not ${code}`
      told.push({ invariant, partition, text })
    }
  }
  partitions.forEach(({ entries }, partition) => {
    for (const { height, message } of entries) {
      if ((message.origin?.seq ?? 0) < FORGED_SEQ_MIN) continue
      const text = 'a message that no process sent has a place'
      told.push({ invariant: 'forgeries-refused', partition, height, id: message.id, text })
    }
  })
  return told
}
