// Seeded randomness for tests, simulations and jitter: never for keys.

/**
 * A stream of uint32 and of floats in [0, 1): mulberry32, 32 bits of state, same seed same stream.
 */
export type Random = { uint32(): number; float(): number; below(bound: number): number }

export function seededRandom(seed: number): Random {
  let a = seed >>> 0
  const uint32 = (): number => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  const float = (): number => uint32() / 4294967296
  return { uint32, float, below: (bound) => Math.floor(float() * bound) }
}
