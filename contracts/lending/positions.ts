// Positions: collateral and debt by address, and the borrowers in a heap, so that the one that
// fails first is found at once: no message ever looks at all of them.
// Invariants: P1 a position is in the heap, once and at its place, if and only if it has a debt. P2
// none in the heap is riskier than the one above it. P3 a position with neither is not listed;
// positionCount counts those that are. P4 `shares` is the sum of all positions' shares.

import { moveKeyAt, pushKey, removeKeyAt } from '../../src/lib/index.ts'
import type { Heap } from '../../src/lib/index.ts'
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
  if (position.place < 0) pushKey(heapOf(state), owner)
  else moveKeyAt(heapOf(state), position.place)
}

function removeFromHeap(state: LendingState, position: Position): void {
  const at = position.place
  if (at < 0) return
  position.place = -1
  removeKeyAt(heapOf(state), at)
}

function heapOf(state: LendingState): Heap {
  const { positions, heap: keys } = state
  return {
    keys,
    isBefore: (one, other) =>
      isRiskier(positions[one] as Position, positions[other] as Position),
    placed: (owner, at) => {
      ;(positions[owner] as Position).place = at
    },
  }
}
