// Where the contracts of this package lie: beside src, and beside its copy in dist.

/** URL of `contracts/<name>/contract.ts`. */
export function contractPath(name: string): URL {
  return new URL(`../../contracts/${name}/contract.ts`, import.meta.url)
}
