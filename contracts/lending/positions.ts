// Positions: collateral and debt by address, and the borrowers in a heap, so that the one that
// fails first is found at once: no message ever looks at all of them.
// Invariants: P1 a position is in the heap, once and at its place, if and only if it has a debt. P2
// none in the heap is riskier than the one above it. P3 a position with neither is not listed;
// positionCount counts those that are. P4 `shares` is the sum of all positions' shares.

import { isRiskier } from './risk.ts'
import type { LendingState, Position } from './state.ts'

export function positionOf(state: LendingState, owner: string): Position | undefined {
  return Object.hasOwn(state.positions, owner) ? state.positions[owner] : undefined
}

/** The borrower whose debt is the most for its collateral. */
export function riskiest(state: LendingState): string | undefined {
  return state.heap[0]
}

/** Adds to collateral and shares, or takes from them; neither may fall below 0. */
export function change(
  state: LendingState,
  owner: string,
  by: { collateral?: bigint; shares?: bigint },
): void {
  if (positionOf(state, owner) === undefined) {
    state.positions[owner] = { collateral: '0', shares: '0', place: -1 }
    state.positionCount += 1
  }
  const position = positionOf(state, owner) as Position
  const { collateral = 0n, shares = 0n } = by
  position.collateral = String(BigInt(position.collateral) + collateral)
  position.shares = String(BigInt(position.shares) + shares)
  state.shares = String(BigInt(state.shares) + shares)
  if (position.shares === '0') removeFromHeap(state, position)
  else place(state, owner, position)
  if (position.shares !== '0' || position.collateral !== '0') return
  delete state.positions[owner]
  state.positionCount -= 1
}

function place(state: LendingState, owner: string, position: Position): void {
  if (position.place < 0) {
    position.place = state.heap.length
    state.heap.push(owner)
  }
  rise(state, position.place)
  sink(state, position.place)
}

function removeFromHeap(state: LendingState, position: Position): void {
  const at = position.place
  if (at < 0) return
  position.place = -1
  const last = state.heap.pop() as string
  if (at >= state.heap.length) return
  put(state, last, at)
  rise(state, at)
  sink(state, (state.positions[last] as Position).place)
}

function put(state: LendingState, owner: string, at: number): void {
  state.heap[at] = owner
  ;(state.positions[owner] as Position).place = at
}

function isAbove(state: LendingState, one: string, other: string): boolean {
  return isRiskier(state.positions[one] as Position, state.positions[other] as Position)
}

function rise(state: LendingState, from: number): void {
  const owner = state.heap[from] as string
  let at = from
  while (at > 0) {
    const up = (at - 1) >> 1
    const above = state.heap[up] as string
    if (!isAbove(state, owner, above)) break
    put(state, above, at)
    at = up
  }
  if (at !== from) put(state, owner, at)
}

function sink(state: LendingState, from: number): void {
  const { length } = state.heap
  const owner = state.heap[from] as string
  let at = from
  for (;;) {
    const left = 2 * at + 1
    if (left >= length) break
    const right = left + 1
    let below = left
    if (right < length && isAbove(state, state.heap[right] as string, state.heap[left] as string)) {
      below = right
    }
    const next = state.heap[below] as string
    if (!isAbove(state, next, owner)) break
    put(state, next, at)
    at = below
  }
  if (at !== from) put(state, owner, at)
}
