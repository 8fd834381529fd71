// The door of the relayer's room.

export { RelayerService, RELAYER_LIMITS } from './service.ts'
export type { RelayerFigures, RelayerLimits, RelayerOptions } from './service.ts'
