// The door of the HTTP server.

export { listenHttp, startHttp } from './server.ts'
export type { EarlyHttpServer, HttpOptions, HttpServer, ListenOptions } from './server.ts'
export { listenJson } from './json-server.ts'
export type { JsonAnswer, JsonRequest, JsonRoute, JsonServerOptions } from './json-server.ts'
export { HTTP_LIMIT_TABLE, httpLimits, type HttpLimits } from './limits.ts'
