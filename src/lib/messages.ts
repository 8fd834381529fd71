// What a contract sends, in the network's tag style: Train-Case names, `Action` says what it is.
// Owners: pure functions. Invariant: a reply carries the request's Reference; nothing else does, so
// that nobody can make one process send another's Reference to a third.

import type { Amount } from './amounts.ts'
import type { Action, Outgoing } from './types.ts'

export type Tags = Record<string, string>

/** A request to a process: it comes back as a bounce if it cannot be handled. */
export function send(target: string, action: string, tags: Tags = {}, data?: unknown): Outgoing {
  return { target, tags: { Action: action, ...tags }, ...dataOf(data) }
}

/** For a wallet or a process; never bounces. */
export function notice(target: string, action: string, tags: Tags = {}, data?: unknown): Outgoing {
  return { kind: 'notice', target, tags: { Action: action, ...tags }, ...dataOf(data) }
}

/** For watchers of the outbox only. */
export function event(action: string, tags: Tags = {}, data?: unknown): Outgoing {
  return { kind: 'event', target: '', tags: { Action: action, ...tags }, ...dataOf(data) }
}

/** A notice to the request's caller that carries the request's Reference back. */
export function reply(request: Action, action: string, tags: Tags = {}, data?: unknown): Outgoing {
  return notice(request.caller, action, { ...tags, ...referenceOf(request) }, data)
}

/** Asks a token to move what this process holds there. */
export function transfer(
  token: string,
  recipient: string,
  quantity: Amount,
  tags: Tags = {},
): Outgoing {
  return send(token, 'Transfer', { Recipient: recipient, Quantity: quantity, ...tags })
}

/** The request's tags whose names begin with `X-`: they travel on with notices and bounces. */
export function forwardedTags(action: Action): Tags {
  const tags: Tags = {}
  for (const name of Object.keys(action.tags)) {
    if (name.startsWith('X-')) tags[name] = action.tags[name] ?? ''
  }
  return tags
}

export function referenceOf(request: Action): Tags {
  const reference = tag(request, 'Reference')
  return reference === undefined ? {} : { Reference: reference }
}

/** A tag's value; inherited names are no tags. */
export function tag(action: Action, name: string): string | undefined {
  return Object.hasOwn(action.tags, name) ? action.tags[name] : undefined
}

function dataOf(data: unknown): { data?: unknown } {
  return data === undefined ? {} : { data }
}
