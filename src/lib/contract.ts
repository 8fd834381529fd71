// The entry point of a contract, `export const handle = contract({…})`: which function handles
// what.
//
// Invariants: an unknown request is refused with the names that are known; an unknown notice or
// bounce is `ok` and changes nothing, because anybody may send a notice and nobody waits for its
// result.

import { tag } from './messages.ts'
import { refuse } from './refusal.ts'
import { parseFields } from './schemas.ts'
import type { Schema, Schemas } from './schemas.ts'
import type { Action, Handle, Outgoing } from './types.ts'

/** Writes to the state in place; gives what to send. */
export type Handler<S> = (state: S, message: Action) => Outgoing[] | undefined

/** What goes round the handlers: see `crank`. `inner` handles what it does not take itself. */
export type Crank<S> = (
  state: S,
  message: Action,
  inner: () => Outgoing[] | undefined,
) => Outgoing[]

export type Contract<S> = {
  /** The message that made the process: checks or completes the initial state. */
  readonly spawn?: Handler<S>
  /** Requests by their `Action` tag. */
  readonly actions: Readonly<Record<string, Handler<S>>>
  /** Notices by their `Action` tag: nobody waits for their result. */
  readonly notices?: Readonly<Record<string, Handler<S>>>
  /** Bounces that resumed no task. */
  readonly bounce?: Handler<S>
  readonly crank?: Crank<S>
}

/** The contract's `handle`: state is written in place, a refusal is thrown. */
export function contract<S>(spec: Contract<S>): Handle<S> {
  const { crank } = spec
  return (state, message) => {
    const inner = (): Outgoing[] | undefined => dispatch(state, message, spec)
    return { messages: (crank === undefined ? inner() : crank(state, message, inner)) ?? [] }
  }
}

/** A handler whose input are the tags that `fields` names, each parsed by its schema. */
export function on<S, T extends object>(
  fields: Schemas<T>,
  run: (state: S, input: T, message: Action) => Outgoing[] | undefined,
): Handler<S> {
  return (state, message) =>
    run(
      state,
      parseFields(fields, (name) => tag(message, name)),
      message,
    )
}

/** A handler whose input is the message's JSON data, parsed by a schema. */
export function onJson<S, T>(
  schema: Schema<T>,
  run: (state: S, input: T, message: Action) => Outgoing[] | undefined,
): Handler<S> {
  return (state, message) => run(state, schema(message.input, 'input'), message)
}

function dispatch<S>(state: S, message: Action, spec: Contract<S>): Outgoing[] | undefined {
  const { kind } = message
  if (kind === 'spawn') return spec.spawn?.(state, message)
  if (kind === 'message') return requestHandler(message, spec.actions)(state, message)
  if (kind === 'bounce') return spec.bounce?.(state, message)
  const name = tag(message, 'Action')
  if (kind !== 'notice' || name === undefined || spec.notices === undefined) return undefined
  return Object.hasOwn(spec.notices, name) ? spec.notices[name]?.(state, message) : undefined
}

function requestHandler<S>(message: Action, actions: Contract<S>['actions']): Handler<S> {
  const name = tag(message, 'Action')
  const handler = name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined
  if (handler !== undefined) return handler
  const known = Object.keys(actions).sort().join(', ')
  const asked = name === undefined ? 'no Action tag' : `Action ${JSON.stringify(name.slice(0, 64))}`
  return refuse('action-unknown', `${asked}; this contract answers ${known}`)
}
