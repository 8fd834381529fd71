// Follows one message through everything it caused: message → result → its messages → their results
// …

import type { MessageStatus, ResultView } from '../../node/index.ts'

export type TraceNode = {
  readonly status: MessageStatus
  readonly result: ResultView
  /** In outbox order; events have no node. */
  readonly caused: readonly Cause[]
}

export type Cause = {
  readonly to: string
  readonly action: string
  readonly node: TraceNode
}

export type Waiter = (id: string) => Promise<MessageStatus>

/** Resolves when every message that was caused has its result. */
export async function trace(wait: Waiter, id: string): Promise<TraceNode> {
  const status = await wait(id)
  const { result } = status
  if (result === undefined) {
    const why = status.refusal === undefined ? status.stage : `refused: ${status.refusal.text}`
    throw new Error(`message ${id} has no result (${why})`)
  }
  const relayed = result.messages.filter((message) => message.kind !== 'event')
  const caused = await Promise.all(
    relayed.map(async (message): Promise<Cause> => {
      const action = message.tags.find(({ name }) => name === 'Action')?.value ?? message.kind
      return { to: message.target, action, node: await trace(wait, message.id) }
    }),
  )
  return { status, result, caused }
}

export type Hop = { readonly from: string; readonly to: string; readonly action: string }

/**
 * All that a message caused, nearest first; `cut` ends the walk at a node (which is shown as
 * another step).
 */
export function hopsOf(root: TraceNode, name: (id: string) => string, cut?: TraceNode): Hop[] {
  const hops: Hop[] = []
  let level: TraceNode[] = [root]
  while (level.length > 0) {
    const next: TraceNode[] = []
    for (const node of level) {
      if (node === cut) continue
      for (const cause of node.caused) {
        hops.push({ from: name(node.result.process), to: name(cause.to), action: cause.action })
        next.push(cause.node)
      }
    }
    level = next
  }
  return hops
}

/** The first node, nearest first, for which `which` holds. */
export function findNode(
  root: TraceNode,
  which: (node: TraceNode) => boolean,
): TraceNode | undefined {
  let level: readonly TraceNode[] = [root]
  while (level.length > 0) {
    const found = level.find(which)
    if (found !== undefined) return found
    level = level.flatMap((node) => node.caused.map((cause) => cause.node))
  }
  return undefined
}

/** True if a result of this trace was an error: nothing in the example flow may fail. */
export function failures(root: TraceNode): ResultView[] {
  const own = root.result.status === 'error' ? [root.result] : []
  return [...own, ...root.caused.flatMap((cause) => failures(cause.node))]
}
