// The door of the sequencer's room.

export { SequencerService } from './service.ts'
export type { SequencerOptions } from './service.ts'
export type { SequencerFigures, SequencerLimits, SequencerListener } from './ports.ts'
export { SEQUENCER_LIMITS } from './ports.ts'
export type { Place } from './core.ts'
export { refillIndex } from './refill-index.ts'
export type { RefillIndexOptions } from './refill-index.ts'
