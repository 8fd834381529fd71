// A mutation: one deliberate weakening of the product. The simulation must show that it is one.
// Owners: the lists beside this file; scripts/sim-mutations.ts applies one at a time to a copy of
// the sources: what ships holds no switch for it.

import { readFileSync } from 'node:fs'

export type Mutation = {
  readonly name: string
  /** What no longer holds, in one sentence. */
  readonly weakens: string
  /** From the repository's root. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
}

/** What running one seed gave: a line of seeds.ts. */
export type SeedLine = {
  readonly seed: number
  /** Real time. */
  readonly ms: number
  /** The first one. */
  readonly violation?: { readonly invariant: string; readonly text: string }
  /** Names of all that were violated. */
  readonly invariants: readonly string[]
}

/** The file's text with the mutation in it. Throws where the text is not there exactly once. */
export function mutated({ name, file, from, to }: Mutation, root: string): string {
  const [before, after, ...more] = readFileSync(`${root}/${file}`, 'utf8').split(from)
  if (before === undefined || after === undefined || more.length > 0) {
    const count = after === undefined ? 'not' : `${more.length + 1} times`
    throw new Error(`mutation ${name}: its text is ${count} in ${file}`)
  }
  return before + to + after
}
