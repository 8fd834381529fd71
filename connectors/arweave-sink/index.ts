// The door of the Arweave sink: the sink itself, and a worker that runs connectors of it behind
// Kafka Connect's REST.

import type { Clock } from '../../src/index.ts'
import { HbError, listenJson, readMetrics } from '../../src/index.ts'
import type { Config } from './config-def.ts'
import type { WorkerPorts } from './connector-parts.ts'
import { Lags, SINK_METRICS } from './metrics.ts'
import { RestError } from './rest-error.ts'
import { connectRoutes, refusal } from './rest.ts'
import { Worker } from './worker.ts'

export { CONFIG_KEYS } from './config-keys.ts'
export type { Config } from './config-def.ts'
export { readConnectorFile } from './connector-file.ts'
export type { WorkerPorts } from './connector-parts.ts'
export { SINK_LIMITS } from './limits.ts'
export type { SinkLimits } from './limits.ts'
export { SINK_METRICS } from './metrics.ts'
export { ArweaveSink } from './sink.ts'
export type { SinkOptions } from './sink.ts'

export type ConnectOptions = WorkerPorts & {
  readonly clock: Clock
  /** Of what the program is: shown by the REST. */
  readonly version: string
  /** Connectors that run from the start. */
  readonly configs: readonly Config[]
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0: any that is free. */
  readonly port: number
}

export type RunningConnect = {
  /** Where its REST is. */
  readonly url: string
  /** What has not ended, in words. */
  unfinished(): string[]
  /** Ends the connectors: what is under way is finished or left to whoever comes next. */
  close(): Promise<void>
}

/**
 * Log and ports stay the caller's. Errors: `connector-config-invalid` before anything runs,
 * `listen-failed`.
 */
export async function startConnect(options: ConnectOptions): Promise<RunningConnect> {
  const { configs, log, clock, reporter, version, host, port } = options
  const place = { url: '' }
  const workerId = (): string => place.url.replace(/^https?:\/\//, '')
  const worker = new Worker({ ...options, workerId })
  const lags = new Lags(log, clock)
  const http = await listenJson({
    routes: connectRoutes(worker, version),
    refusal,
    async metrics() {
      const { connectors } = worker
      return readMetrics(SINK_METRICS, { connectors, lags: await lags.read(connectors) })
    },
    ...(host !== undefined && { host }),
    port,
    onError: (error) => reporter.error('http-failed', `rest: ${String(error)}`),
  })
  place.url = http.url
  const close = async (): Promise<void> => {
    await http.close()
    await worker.close()
  }
  try {
    for (const config of configs) create(worker, config)
  } catch (error) {
    await close()
    throw error
  }
  return { url: http.url, unfinished: () => worker.unfinished(), close }
}

function create(worker: Worker, config: Config): void {
  try {
    worker.create(config, 'RUNNING')
  } catch (error) {
    if (!(error instanceof RestError)) throw error
    throw new HbError('connector-config-invalid', `${config['name']}: ${error.message}`)
  }
}
