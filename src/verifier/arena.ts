// The shared memory of one job: items go in once, verdicts come out of it. Threads claim items from
// a common cursor, so that none is idle while one item is left, and what a thread had in hand when
// it died is known.
//
// Layout (SharedArrayBuffer; words of 4 bytes, n items, t threads):
//   word 0            cursor: the next item that nobody claimed
//   words 1 … t       in hand: per thread, its claimed item + 1, or 0
//   n + 1 words       where each item's bytes begin (the last: where they end), counted from the
//                     arena's beginning
//   n bytes           state of each item: 0 open, 1 the signature holds, 2 refused (its text is in
//                     the thread's answer)
//   86n bytes         id and address of the items that hold, 43 characters each
//   the items' bytes
//
// Owners: the pool fills an arena before it posts it and reads it after every thread that it was
// posted to has answered or died; in between it belongs to the threads.

/** Characters of an id or address as text. */
export const ID_CHARS = 43

export const OPEN = 0
export const HOLDS = 1
export const REFUSED = 2

/** Views of one arena; `bytes` spans all of it. */
export type Arena = {
  readonly buffer: SharedArrayBuffer
  readonly items: number
  readonly words: Int32Array
  readonly starts: Uint32Array
  readonly states: Uint8Array
  readonly ids: Buffer
  readonly bytes: Buffer
}

/** Bytes an arena needs beside those of the items. */
export function arenaOverhead(items: number, threads: number): number {
  return 4 * (1 + threads + items + 1) + (1 + 2 * ID_CHARS) * items
}

export function viewArena(buffer: SharedArrayBuffer, items: number, threads: number): Arena {
  const starts = 4 * (1 + threads)
  const states = starts + 4 * (items + 1)
  return {
    buffer,
    items,
    words: new Int32Array(buffer, 0, 1 + threads),
    starts: new Uint32Array(buffer, starts, items + 1),
    states: new Uint8Array(buffer, states, items),
    ids: Buffer.from(buffer, states + items, 2 * ID_CHARS * items),
    bytes: Buffer.from(buffer),
  }
}

/** Makes `arena` a fresh job of these items. */
export function fillArena(arena: Arena, items: readonly Uint8Array[]): void {
  arena.words.fill(0)
  arena.states.fill(OPEN)
  let at = arena.ids.byteOffset + arena.ids.length
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as Uint8Array
    arena.starts[i] = at
    arena.bytes.set(item, at)
    at += item.length
  }
  arena.starts[items.length] = at
}

/** The next item for `thread`, or -1 when none is left. */
export function claimItem(arena: Arena, thread: number): number {
  const index = Atomics.add(arena.words, 0, 1)
  if (index >= arena.items) {
    Atomics.store(arena.words, 1 + thread, 0)
    return -1
  }
  Atomics.store(arena.words, 1 + thread, index + 1)
  return index
}

/** What `thread` had in hand when it died, or -1. */
export function itemInHand(arena: Arena, thread: number): number {
  return Atomics.load(arena.words, 1 + thread) - 1
}
