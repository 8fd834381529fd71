// A binary heap of keys in a contract's state, each of which knows its place: adding, taking out
// and moving one cost a few writes, whatever the heap holds, and nothing is ever walked through.
//
// Invariants: P1 no key comes before the one above it. P2 `placed` was told of the last place of
// each key that was moved here; who pushes or pops keys tells the rest.

export type Heap = {
  readonly keys: string[]
  /** Whether one key comes before the other. */
  readonly isBefore: (one: string, other: string) => boolean
  /** Told where a key is now. */
  readonly placed: (key: string, at: number) => void
}

/** Puts a key behind all others, and where it belongs. */
export function pushKey(heap: Heap, key: string): void {
  const { keys } = heap
  keys.push(key)
  heap.placed(key, keys.length - 1)
  rise(heap, keys.length - 1)
}

/** Takes out the key at a place. */
export function removeKeyAt(heap: Heap, at: number): void {
  const { keys } = heap
  const last = keys.pop() as string
  if (at >= keys.length) return
  put(heap, last, at)
  moveKeyAt(heap, at)
}

/** After what the key at a place is ordered by has changed. */
export function moveKeyAt(heap: Heap, at: number): void {
  rise(heap, at)
  sink(heap, at)
}

function put({ keys, placed }: Heap, key: string, at: number): void {
  keys[at] = key
  placed(key, at)
}

function rise(heap: Heap, from: number): void {
  const { keys, isBefore } = heap
  const key = keys[from] as string
  let at = from
  while (at > 0) {
    const up = (at - 1) >> 1
    const above = keys[up] as string
    if (!isBefore(key, above)) break
    put(heap, above, at)
    at = up
  }
  if (at !== from) put(heap, key, at)
}

function sink(heap: Heap, from: number): void {
  const { keys, isBefore } = heap
  const { length } = keys
  const key = keys[from] as string
  let at = from
  for (;;) {
    const left = 2 * at + 1
    if (left >= length) break
    const right = left + 1
    const isRight = right < length && isBefore(keys[right] as string, keys[left] as string)
    const below = isRight ? right : left
    const next = keys[below] as string
    if (!isBefore(next, key)) break
    put(heap, next, at)
    at = below
  }
  if (at !== from) put(heap, key, at)
}
