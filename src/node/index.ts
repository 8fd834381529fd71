// The door of the node's room.

export { startNode } from './open.ts'
export type { LocalNode, LocalNodeOptions } from './open.ts'
export { composeNode, openEvaluator } from './node.ts'
export type { NodeOptions, RunningNode } from './node.ts'
export type * from './api.ts'
export { startHttp } from './http/index.ts'
