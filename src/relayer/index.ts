// The door of the relayer's room.

export { RelayerService } from './service.ts'
export type { RelayerOptions } from './service.ts'
export { RELAYER_LIMITS } from './ports.ts'
export type { RelayerFigures, RelayerLimits } from './ports.ts'
