// From an action to the function that handles it, by its `Action` tag.
// Invariants: an unknown request is refused with the names that are known; an unknown notice or
// bounce is `ok` and changes nothing, because anybody may send a notice and nobody waits for its
// result.

import { resume } from './crank.ts'
import type { RequestQueue, Steps } from './crank.ts'
import { tag } from './messages.ts'
import { refuse } from './refusal.ts'
import type { Action, Handled, Outgoing } from './types.ts'

/** Writes to the state in place; gives what to send. */
export type Handler<S> = (state: S, action: Action) => Outgoing[] | undefined

export type Routes<S> = {
  /** The message that made the process: checks or completes the initial state. */
  readonly spawn?: Handler<S>
  readonly requests: Readonly<Record<string, Handler<S>>>
  readonly notices?: Readonly<Record<string, Handler<S>>>
  /** Bounces that resumed no task. */
  readonly bounce?: Handler<S>
  readonly crank?: { readonly queue: (state: S) => RequestQueue; readonly steps: Steps<S> }
}

/** The body of a `handle`: state is written in place, a refusal is thrown. */
export function route<S>(state: S, action: Action, routes: Routes<S>): Handled<S> {
  return { messages: dispatch(state, action, routes) ?? [] }
}

function dispatch<S>(state: S, action: Action, routes: Routes<S>): Outgoing[] | undefined {
  if (action.kind === 'spawn') return routes.spawn?.(state, action)
  if (action.kind === 'message') return requestHandler(action, routes.requests)(state, action)
  const { crank } = routes
  if (crank !== undefined) {
    const resumed = resume(crank.queue(state), state, action, crank.steps)
    if (resumed !== undefined) return resumed
  }
  if (action.kind === 'bounce') return routes.bounce?.(state, action)
  const name = tag(action, 'Action')
  if (name === undefined || routes.notices === undefined) return undefined
  return Object.hasOwn(routes.notices, name) ? routes.notices[name]?.(state, action) : undefined
}

function requestHandler<S>(action: Action, requests: Routes<S>['requests']): Handler<S> {
  const name = tag(action, 'Action')
  const handler = name !== undefined && Object.hasOwn(requests, name) ? requests[name] : undefined
  if (handler !== undefined) return handler
  const known = Object.keys(requests).sort().join(', ')
  const asked = name === undefined ? 'no Action tag' : `Action ${JSON.stringify(name.slice(0, 64))}`
  return refuse('action-unknown', `${asked}; this contract answers ${known}`)
}
