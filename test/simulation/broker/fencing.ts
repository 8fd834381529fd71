// Whether members keep to what a partition's fence asks of them, judged where they call the brokers
// (rule R2, C3 of the sequencer's chain, and the contract of the log port).
//
// Owners: cluster.ts has one; sim-log.ts and membership.ts tell it. Invariants: N1 a host whose
// append to a partition of the log did not simply settle appends nothing there before its group
// said again that it owns the partition. N2 what a fenced member settles is not noted.

import type { Violation } from '../../chaos/checker/index.ts'

export class Fencing {
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

  #tell(invariant: string, partition: number, text: string): void {
    this.violations.push({ invariant, partition, text })
  }
}
