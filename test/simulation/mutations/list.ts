// All mutations: every one must be caught by the simulation within a bounded number of seeds.

import { DRE_MUTATIONS } from './dre.ts'
import { MODULE_MUTATIONS } from './modules.ts'
import type { Mutation } from './mutation.ts'
import { RELAYER_MUTATIONS } from './relayer.ts'
import { SEQUENCER_MUTATIONS } from './sequencer.ts'
import { SINK_MUTATIONS } from './sink.ts'
import { TIME_MUTATIONS } from './time.ts'

export const MUTATIONS: readonly Mutation[] = [
  ...SEQUENCER_MUTATIONS,
  ...DRE_MUTATIONS,
  ...RELAYER_MUTATIONS,
  ...TIME_MUTATIONS,
  ...MODULE_MUTATIONS,
  ...SINK_MUTATIONS,
]
