// The door of the DRE's room.

export { DreService } from './service.ts'
export type { DreOptions } from './service.ts'
export type { OwnedPartition } from './task.ts'
export type { DreFigures, DreLimits, DreListener } from './ports.ts'
export { DRE_LIMITS } from './ports.ts'
export { rebuild } from './rebuild.ts'
export type { Rebuilt, RebuildOptions } from './rebuild.ts'
