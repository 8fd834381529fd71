// A nursery as a model: what it bears by a salt, and to which id it says hello. Whether any of it
// comes too early, replay.ts says.

import { createHash } from 'node:crypto'
import type { Call, Json, MakeModel, Sent } from './model.ts'
import { message, modelOf, refuse } from './model.ts'

type State = {
  readonly self: string
  readonly module: string
  born: number
  bounces: Record<string, number>
}

export const nurseryModel: MakeModel = (spawned, self) =>
  modelOf<State>(
    { self, module: spawned['module'] as string, born: 0, bounces: {} },
    {
      handle,
      expected: ({ born, bounces }) => ({ born, bounces }),
      seen: ({ born, bounces }: Json) => ({ born, bounces }),
    },
  )

function handle(state: State, call: Call): Sent[] {
  const { kind, tag } = call
  if (kind === 'spawn') return []
  if (kind === 'bounce') {
    const code = tag('Error') ?? ''
    state.bounces[code] = (state.bounces[code] ?? 0) + 1
    return []
  }
  if (kind === 'notice') {
    if (tag('Action') === 'Born') state.born += 1
    return []
  }
  const action = tag('Action')
  if (action !== 'Bear' && action !== 'Visit') return refuse('action-unknown')
  const salt = tag('Salt') ?? refuse('salt-malformed')
  const hello = message(saltedId(state.self, salt), { Action: 'Hello' })
  if (action === 'Visit') return [hello]
  const named = tag('By') === 'module' ? { module: state.module } : {}
  const spawn: Sent = { kind: 'spawn', target: '', tags: { 'Spawn-Salt': salt }, ...named }
  return tag('First') === 'hello' ? [hello, spawn] : [spawn, hello, hello]
}

/** By decision record 26: SHA-256 of the domain and the two texts, each behind its length. */
export function saltedId(parent: string, salt: string): string {
  const domain = 'hb.child.1'
  const hash = createHash('sha256').update(Buffer.from([domain.length])).update(domain)
  for (const part of [parent, salt]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(part))
    hash.update(length).update(part)
  }
  return hash.digest('base64url')
}
