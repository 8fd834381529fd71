// Which processes are open in the evaluator, least recently used first: a bound on memory, never
// on results (R4).

export type OpenInstance = {
  memoryBytes: number
  /**
   * Bytes of the base state in the store, and of the journal after it: when to write a new base.
   */
  baseBytes: number
  journalBytes: number
  /** How many sweeps there had been when it was used last. */
  usedAt: number
}

export class Instances {
  /** Least recently used first. */
  readonly #open = new Map<string, OpenInstance>()
  #memoryBytes = 0
  #sweeps = 0

  get size(): number {
    return this.#open.size
  }

  get memoryBytes(): number {
    return this.#memoryBytes
  }

  names(): Iterable<string> {
    return this.#open.keys()
  }

  get(process: string): OpenInstance | undefined {
    return this.#open.get(process)
  }

  /** Marks it most recently used; true if it is open. */
  touch(process: string): boolean {
    const instance = this.#open.get(process)
    if (instance === undefined) return false
    this.#open.delete(process)
    this.#open.set(process, instance)
    instance.usedAt = this.#sweeps
    return true
  }

  opened(process: string, baseBytes: number, journalBytes: number): void {
    this.closed(process)
    const usedAt = this.#sweeps
    this.#open.set(process, { memoryBytes: 0, baseBytes, journalBytes, usedAt })
  }

  measured(process: string, memoryBytes: number): void {
    const instance = this.#open.get(process)
    if (instance === undefined) return
    this.#memoryBytes += memoryBytes - instance.memoryBytes
    instance.memoryBytes = memoryBytes
  }

  closed(process: string): void {
    const instance = this.#open.get(process)
    if (instance === undefined) return
    this.#memoryBytes -= instance.memoryBytes
    this.#open.delete(process)
  }

  /** Those that nothing used since the sweep before, and that `idle` lets go. */
  *sweep(idle: (process: string) => boolean): Iterable<string> {
    this.#sweeps += 1
    for (const [process, { usedAt }] of this.#open) {
      if (usedAt >= this.#sweeps - 1) return
      if (idle(process)) yield process
    }
  }

  /**
   * The least recently used ones that `idle` lets go, until what stays open is within the bounds.
   */
  *excess(
    countMax: number,
    bytesMax: number,
    idle: (process: string) => boolean,
  ): Iterable<string> {
    let count = this.#open.size
    let bytes = this.#memoryBytes
    for (const [process, instance] of this.#open) {
      if (count <= countMax && bytes <= bytesMax) return
      if (!idle(process)) continue
      count -= 1
      bytes -= instance.memoryBytes
      yield process
    }
  }
}
