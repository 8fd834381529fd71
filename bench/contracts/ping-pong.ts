// The smallest contract that keeps a crank turning: whoever gets the ball sends it to its peer.

type State = { peer: string; turns: number }

export function handle(state: State, action: { kind: string }) {
  if (action.kind !== 'message') return {}
  state.turns += 1
  return { messages: [{ target: state.peer, tags: { Action: 'Turn' } }] }
}
