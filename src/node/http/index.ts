// The door of the HTTP server.

export { startHttp, type HttpOptions, type HttpServer } from './server.ts'
export { HTTP_LIMIT_TABLE, httpLimits, type HttpLimits } from './limits.ts'
