// How a contract says no: a throw, which leaves the state as it was and sends nothing but a bounce (R5).

/** The text of a Refusal is `code: detail`; codes are kebab-case and part of a contract's interface. */
export class Refusal extends Error {
  // A field, not an assignment: where Error.prototype is frozen, an assignment to `name` would throw.
  override readonly name = 'Refusal'
  readonly code: string

  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`)
    this.code = code
  }
}

export function refuse(code: string, detail: string): never {
  throw new Refusal(code, detail)
}
