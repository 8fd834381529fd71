// How a contract says no: a throw, which leaves the state as it was and sends nothing but a bounce
// (R5). No class: a module's scope is evaluated for every message, and a class is dear there.

/** An error whose text is `code: detail`; codes are kebab-case, part of a contract's interface. */
export type Refusal = Error & { readonly code: string }

export function refuse(code: string, detail: string): never {
  throw Object.assign(new Error(`${code}: ${detail}`), { code })
}
