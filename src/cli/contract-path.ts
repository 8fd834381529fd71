// Where the contracts of this package lie: beside src when run from source, beside dist when installed.

/** URL of `contracts/<name>/contract.ts`. */
export function contractPath(name: string): URL {
  const up = import.meta.url.endsWith('.ts') ? '../../' : '../../../'
  return new URL(`${up}contracts/${name}/contract.ts`, import.meta.url)
}
