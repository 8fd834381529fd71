// What a member of a group has noted, and its commits of it: together after a while, as an adapter
// makes them, and again where one was lost.
//
// Owners: membership.ts. Invariants: O1 of one partition of a topic the position that was noted
// last is committed. O2 a commit that was lost is made again only of what the member holds still,
// and not over a newer one. O3 one commit is under way: one that is late overtakes no other.

import type { SimLog } from './sim-log.ts'

/** A position that is to be committed. */
type Note = { readonly topic: string; readonly partition: number; readonly next: number }

type Member = {
  readonly group: string
  /** Under which it commits now. */
  id(): string
  holds(partition: number): boolean
}

export class Commits {
  readonly #log: SimLog
  readonly #member: Member
  readonly #dirty = new Map<string, Note>()
  #committing: Promise<void> | undefined
  #underWay: Promise<void> = Promise.resolve()

  constructor(log: SimLog, member: Member) {
    this.#log = log
    this.#member = member
  }

  note(topic: string, partition: number, next: number): void {
    this.#dirty.set(`${topic}/${partition}`, { topic, partition, next })
    this.#committing ??= this.#commitSoon()
  }

  /** Of a partition of some topics. */
  forget(topics: readonly string[], partition: number): void {
    for (const topic of topics) this.#dirty.delete(`${topic}/${partition}`)
  }

  forgetAll(): void {
    this.#dirty.clear()
  }

  /** Commits what is noted. */
  flush(): Promise<void> {
    const done = this.#underWay.then(() => this.#commit())
    this.#underWay = done.catch(() => undefined)
    return done
  }

  async #commit(): Promise<void> {
    const dirty = [...this.#dirty.values()]
    this.#dirty.clear()
    if (dirty.length === 0) return
    if (this.#log.faults.commitIsLost()) return this.#noteAgain(dirty)
    const { cluster } = this.#log
    const id = this.#member.id()
    await this.#log.call<undefined>((answer) => {
      for (const { topic, partition, next } of dirty) {
        const counts = cluster.group(this.#member.group).commit(id, topic, partition, next)
        if (!counts) cluster.world.saw('a commit of a former owner was turned away')
      }
      answer.value(undefined)
    })
  }

  /** As an adapter does after a commit that failed: of what it holds still, if nothing is newer. */
  #noteAgain(dirty: readonly Note[]): void {
    for (const { topic, partition, next } of dirty) {
      const isNewer = this.#dirty.has(`${topic}/${partition}`)
      if (!isNewer && this.#member.holds(partition)) this.note(topic, partition, next)
    }
  }

  async #commitSoon(): Promise<void> {
    const { host, cluster } = this.#log
    await host.clock.sleep(cluster.limits.commitDelayMs)
    this.#committing = undefined
    await this.flush()
  }
}
