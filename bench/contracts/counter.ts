// The least that a process can be: it counts.

export function handle(state: { count: number }, action: { kind: string }) {
  if (action.kind === 'message') state.count += 1
  return {}
}
