// All mutations: every one must be caught by the simulation within a bounded number of seeds.

import { DRE_MUTATIONS } from './dre.ts'
import type { Mutation } from './mutation.ts'
import { RELAYER_MUTATIONS } from './relayer.ts'
import { SEQUENCER_MUTATIONS } from './sequencer.ts'
import { SINK_MUTATIONS } from './sink.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...SEQUENCER_MUTATIONS,
  ...DRE_MUTATIONS,
  ...RELAYER_MUTATIONS,
  ...SINK_MUTATIONS,
]
