// Follows the log's topic and sees how long each pair stood still: the gaps between its entries, by
// the broker's append time, so that it does not matter when they are read.

import type { Log } from '../../src/log/port.ts'

const WAIT_MS = 500

export class Stalls {
  readonly #log: Log
  readonly #topic: string
  readonly #pairs: ReadonlyMap<string, number>
  readonly #times: number[][]
  readonly #stop = new AbortController()
  #following: Promise<unknown> = Promise.resolve()

  /** `pairs`: of each process. */
  constructor(log: Log, topic: string, pairs: ReadonlyMap<string, number>) {
    this.#log = log
    this.#topic = topic
    this.#pairs = pairs
    this.#times = Array.from({ length: Math.max(...pairs.values()) + 1 }, () => [])
  }

  /** From the log's end on. */
  async start(): Promise<void> {
    const ends = await this.#log.ends(this.#topic)
    this.#following = Promise.all(ends.map(({ end }, partition) => this.#follow(partition, end)))
    this.#following.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#following
  }

  forget(): void {
    for (const times of this.#times) times.length = 0
  }

  /** Entries since the moment of the pair that has the fewest. */
  fewestSince(moment: number): number {
    return Math.min(...this.#times.map((times) => times.filter((each) => each > moment).length))
  }

  /** The longest time, ms, that each pair stood still in what was seen. */
  longest(): number[] {
    return this.#times.map((times) => {
      // a pair's entries lie in two partitions, which are read apart
      const sorted = times.toSorted((a, b) => a - b)
      let longest = 0
      for (let i = 1; i < sorted.length; i++) {
        longest = Math.max(longest, (sorted[i] as number) - (sorted[i - 1] as number))
      }
      return longest
    })
  }

  async #follow(partition: number, end: number): Promise<void> {
    const { signal } = this.#stop
    for (let from = end; !signal.aborted; ) {
      const read = await this.#log.read(this.#topic, partition, from, { waitMs: WAIT_MS, signal })
      from = read.next
      for (const { key, timestamp } of read.records) {
        const pair = this.#pairs.get(key ?? '')
        if (pair !== undefined) this.#times[pair]?.push(timestamp)
      }
    }
  }
}
