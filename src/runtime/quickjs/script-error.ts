// What a script that the host set up threw, as the engine tells it.
//
// Owners: whoever catches it. Invariant: `detail` is the engine's own text, so it is the same on
// every node.

/** A script that did not parse or threw while it was set up; `detail` is the engine's message. */
export class ScriptError extends Error {
  readonly detail: string
  constructor(dump: string) {
    super(dump)
    this.detail = detailOf(dump)
  }
}

function detailOf(dump: string): string {
  try {
    const { name, message } = JSON.parse(dump) as { name?: string; message?: string }
    return `${name ?? 'Error'}: ${message ?? ''}`
  } catch {
    return dump
  }
}
