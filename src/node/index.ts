// The door of the node's room.

export { startNode, startNodeOn } from './open.ts'
export { agreeOnNetwork, recordedNetwork } from './network-record.ts'
export type { LocalNode, LocalNodeOptions } from './open.ts'
export { composeNode, openEvaluator } from './node.ts'
export type { NodeOptions, RunningNode } from './node.ts'
export { ROLES } from './ownership.ts'
export type { Holding, Role } from './ownership.ts'
export { Throttling } from './throttling.ts'
export type * from './api.ts'
export { dryRunView } from './views.ts'
export { listenHttp, startHttp } from './http/index.ts'
export type { EarlyHttpServer, HttpServer } from './http/index.ts'
