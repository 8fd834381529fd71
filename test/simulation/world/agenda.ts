// What is planned, by time and then by the order of planning: a binary heap.

import type { Planned } from './world.ts'

type Item = { readonly planned: Planned; readonly order: number }

export class Agenda {
  readonly #heap: Item[] = []
  #added = 0

  add(planned: Planned): void {
    const item = { planned, order: this.#added++ }
    const heap = this.#heap
    let at = heap.length
    heap.push(item)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!isBefore(item, heap[parent] as Item)) break
      heap[at] = heap[parent] as Item
      at = parent
    }
    heap[at] = item
  }

  /** Takes the first that is not cancelled, unless that is later than `until`. */
  next(until: number): Planned | undefined {
    for (;;) {
      const first = this.#heap[0]?.planned
      if (first === undefined || first.at > until) return undefined
      this.#take()
      if (!first.cancelled) return first
    }
  }

  #take(): Item | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = child + 1
      if (right < heap.length && isBefore(heap[right] as Item, heap[child] as Item)) child = right
      if (!isBefore(heap[child] as Item, last)) break
      heap[at] = heap[child] as Item
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.planned.at < b.planned.at || (a.planned.at === b.planned.at && a.order < b.order)
}
