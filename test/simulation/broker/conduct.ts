// Whether nodes keep to what the rules ask of their calls, judged where they call the brokers (R2
// with C3 of the sequencer's chain, R7, and the contract of the log port): breaking them shows in
// the end of a run only when much else goes wrong too.
//
// Owners: cluster.ts has one; appends.ts, sim-log.ts and membership.ts tell it. Invariants: N1 a
// host whose append to a partition of the log did not simply settle appends nothing there before
// its group said again that it owns the partition. N2 what a fenced member settles is not noted.
// N3 the newest run of an outbox is never trimmed.

import { topicNames } from '../../../src/protocol/topics.ts'
import type { Violation } from '../../chaos/checker/index.ts'

const OUTBOX = topicNames('hb').outbox

export class Conduct {
  readonly violations: Violation[] = []
  /** Host and partition whose last append may be anywhere, or nowhere. */
  readonly #unsure = new Set<string>()

  /** A host is about to append to a partition of the log. */
  appends(host: string, partition: number): void {
    if (!this.#unsure.has(`${host} ${partition}`)) return
    const text = `${host} appends after an unclear append, and did not ask who owns it`
    this.#tell('owner-asked', partition, text)
  }

  /** Its append failed, or landed where it cannot have expected it. */
  unclear(host: string, partition: number): void {
    this.#unsure.add(`${host} ${partition}`)
  }

  /** The sequencers' group gave it the partition, or said that it has it. */
  confirmed(host: string, partition: number): void {
    this.#unsure.delete(`${host} ${partition}`)
  }

  /** A member that is fenced notes a position. */
  notedFenced(member: string, topic: string, partition: number): void {
    this.#tell('fenced-notes-nothing', partition, `${member} notes a position of ${topic}`)
  }

  /** A partition is trimmed. */
  trimmed(topic: string, partition: number, start: number, end: number): void {
    if (topic !== OUTBOX || start < end) return
    this.#tell('newest-run-kept', partition, `the outbox is trimmed to ${start}: it is empty`)
  }

  #tell(invariant: string, partition: number, text: string): void {
    this.violations.push({ invariant, partition, text })
  }
}
