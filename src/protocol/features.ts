// Feature levels: which sandbox, system processes and rules of evaluation hold, as one number that
// is part of the log (R4, R8). What each number means is in system/levels.ts.
//
// Each partition has a process of its own that keeps its level (system/features.ts): it is raised
// by a message of an operator, an entry like any other, and holds from the next interval on. So
// whoever reads the log evaluates each entry on the level that it was evaluated on first.

import type { Genesis, GenesisProcess } from './genesis.ts'

/** The level of networks that name none. */
export const FIRST_LEVEL = 1
export const OPERATORS_MAX = 16

export type GenesisFeatures = {
  /** What the network begins with. */
  readonly level: number
  /** Addresses of those who may raise it. */
  readonly operators: readonly string[]
  /** Per partition: ground, so that its process's id falls into it. */
  readonly nonces: readonly number[]
}

/** The state of a partition's features process. */
export type FeaturesState = {
  operators: string[]
  intervalLength: number
  level: number
  /** What holds from the end of the interval in which `height` lies. */
  pending: { level: number; height: number } | null
}

/** The feature level that the network begins with. */
export function firstLevel({ features }: Genesis): number {
  return features?.level ?? FIRST_LEVEL
}

export function featuresName(partition: number): string {
  return `features-${partition}`
}

export function featuresProcess(
  features: Omit<GenesisFeatures, 'nonces'>,
  intervalLength: number,
  partition: number,
  nonce: number,
): GenesisProcess {
  const { level, operators } = features
  const state = { operators, intervalLength, level, pending: null }
  return { name: featuresName(partition), nonce, engine: 'native', source: FEATURES_MODULE, state }
}

export const FEATURES_MODULE = 'hb-features@1'
