// Contracts for the tests of test networks, and the token of this package.

export const TOKEN = new URL('../../contracts/token/contract.ts', import.meta.url)

/** Counts; tells the time; sends on to `To`, and tells watchers; fails where it is told to. */
export const COUNTER = `
exports.handle = (state, action) => {
  if (action.kind === 'spawn') {
    if (state.broken) throw new Error('broken from the start')
    state.count = 0
    state.bounced = 0
    return {}
  }
  if (action.kind === 'bounce') {
    state.bounced += 1
    return {}
  }
  if (action.tags.Action === 'Fail') throw new Error('told to fail')
  state.count += 1
  state.time = action.timestamp
  const { To, Then = 'Count' } = action.tags
  if (To === undefined) return {}
  const tags = { Action: Then }
  return { messages: [{ target: To, tags }, { kind: 'event', tags: { Action: 'Sent-On' } }] }
}
`

export type Counter = { count: number; bounced: number; time?: number }
