// Kafka Connect's REST over a worker: paths, statuses and bodies as Connect's own reference has
// them.
//
// Invariant: R1 errors are {"error_code", "message"}; of a configuration that is refused no value
// is shown that may be a secret.

import type { JsonAnswer, JsonRequest, JsonRoute } from '../../src/index.ts'
import { configOf, namedConfig, withName } from './config-body.ts'
import type { Config } from './config-def.ts'
import { keyInfo } from './config-def.ts'
import { CLASS_ALIASES, CONFIG_KEYS, CONNECTOR_CLASS } from './config-keys.ts'
import { validation } from './config.ts'
import type { Target } from './connector.ts'
import { parseOffsets } from './offsets-body.ts'
import { RestError } from './rest-error.ts'
import type { Worker } from './worker.ts'

type Handle = JsonRoute['handle']

export function refusal(status: number, message: string): object {
  return { error_code: status, message }
}

export function connectRoutes(worker: Worker, version: string): JsonRoute[] {
  const routes: readonly (readonly [JsonRoute['method'], string, Handle])[] = [
    ...workerRoutes(version),
    ...connectorRoutes(worker),
    ...stateRoutes(worker),
    ...offsetRoutes(worker),
  ]
  return routes.map(([method, path, handle]) => ({ method, path, handle: refusing(handle) }))
}

type Rows = (readonly [JsonRoute['method'], string, Handle])[]

function workerRoutes(version: string): Rows {
  const isPlugin = (name: string): boolean => CLASS_ALIASES.includes(name)
  const known = (name: string): void => {
    if (!isPlugin(name)) throw new RestError(404, `Unknown plugin ${name}.`)
  }
  return [
    ['GET', '/', () => ok({ version, commit: 'unknown', kafka_cluster_id: null })],
    ['GET', '/health', () => ok({ status: 'healthy', message: 'The worker answers.' })],
    [
      'GET',
      '/connector-plugins',
      () => ok([{ class: CONNECTOR_CLASS, type: 'sink', version }]),
    ],
    [
      'GET',
      '/connector-plugins/:plugin/config',
      ({ params }) => {
        known(param(params, 'plugin'))
        return ok(Object.keys(CONFIG_KEYS).map((name) => keyInfo(CONFIG_KEYS, name)))
      },
    ],
    [
      'PUT',
      '/connector-plugins/:plugin/config/validate',
      ({ params, body }) => {
        const plugin = param(params, 'plugin')
        known(plugin)
        const config = configOf(body)
        const type = config['connector.class']
        if (typeof type !== 'string') {
          throw new RestError(400, 'Connector config contains no connector type')
        }
        if (!isPlugin(type)) {
          const text = `Included connector type ${type} does not match request type ${plugin}`
          throw new RestError(400, text)
        }
        return ok(validation(config))
      },
    ],
  ]
}

function connectorRoutes(worker: Worker): Rows {
  return [
    ['GET', '/connectors', ({ query }) => ok(listed(worker, query.getAll('expand')))],
    [
      'POST',
      '/connectors',
      ({ body }) => {
        const connector = worker.create(namedConfig(body), initialState(body))
        return created(connector.name, worker.info(connector))
      },
    ],
    ['GET', '/connectors/:name', ({ params }) => ok(worker.info(worker.get(nameIn(params))))],
    [
      'DELETE',
      '/connectors/:name',
      async ({ params }) => {
        await worker.delete(nameIn(params))
        return NOTHING
      },
    ],
    [
      'GET',
      '/connectors/:name/config',
      ({ params }) => ok(worker.get(nameIn(params)).config.given),
    ],
    [
      'PUT',
      '/connectors/:name/config',
      ({ params, body }) => put(worker, withName(nameIn(params), configOf(body))),
    ],
    [
      'PATCH',
      '/connectors/:name/config',
      ({ params, body }) => {
        const name = nameIn(params)
        // null removes a key
        const patched = { ...worker.get(name).config.given, ...configOf(body) }
        const left = Object.entries(patched).filter(([, value]) => value !== null)
        return put(worker, withName(name, Object.fromEntries(left)))
      },
    ],
    [
      'GET',
      '/connectors/:name/topics',
      ({ params }) => {
        const { name, config } = worker.get(nameIn(params))
        return ok({ [name]: { topics: [config.topic] } })
      },
    ],
  ]
}

function stateRoutes(worker: Worker): Rows {
  const turn = (target: Target, answer: JsonAnswer): Handle => {
    return async ({ params }) => {
      const turned = worker.get(nameIn(params)).turnTo(target)
      // the others are answered when they are asked for, as in Connect
      if (target === 'STOPPED') await turned
      return answer
    }
  }
  return [
    ['GET', '/connectors/:name/status', ({ params }) => ok(worker.status(nameIn(params)))],
    ['PUT', '/connectors/:name/pause', turn('PAUSED', ACCEPTED)],
    ['PUT', '/connectors/:name/resume', turn('RUNNING', ACCEPTED)],
    ['PUT', '/connectors/:name/stop', turn('STOPPED', NOTHING)],
    [
      'POST',
      '/connectors/:name/restart',
      ({ params, query }) => {
        const name = nameIn(params)
        const includeTasks = isTrue(query, 'includeTasks')
        const onlyFailed = isTrue(query, 'onlyFailed')
        worker.restart(name, includeTasks, onlyFailed)
        if (!includeTasks && !onlyFailed) return NOTHING
        return { status: 202, body: worker.status(name) }
      },
    ],
    [
      'GET',
      '/connectors/:name/tasks',
      ({ params }) => {
        const { taskIds, taskConfig } = worker.get(nameIn(params))
        return ok(taskIds.map((id) => ({ id, config: taskConfig })))
      },
    ],
    [
      'GET',
      '/connectors/:name/tasks/:task/status',
      ({ params }) => ok(worker.taskStatus(nameIn(params), param(params, 'task'))),
    ],
    [
      'POST',
      '/connectors/:name/tasks/:task/restart',
      async ({ params }) => {
        await worker.restartTask(nameIn(params), param(params, 'task'))
        return NOTHING
      },
    ],
  ]
}

function offsetRoutes(worker: Worker): Rows {
  return [
    [
      'GET',
      '/connectors/:name/offsets',
      async ({ params }) => ok(await worker.offsets(nameIn(params))),
    ],
    [
      'PATCH',
      '/connectors/:name/offsets',
      ({ params, body }) => {
        parseOffsets(body)
        return worker.refuseOffsets(nameIn(params))
      },
    ],
    ['DELETE', '/connectors/:name/offsets', ({ params }) => worker.refuseOffsets(nameIn(params))],
  ]
}

async function put(worker: Worker, config: Config): Promise<JsonAnswer> {
  const { connector, isNew } = await worker.put(config)
  const info = worker.info(connector)
  return isNew ? created(connector.name, info) : ok(info)
}

/** Names; or, with ?expand, each with what is asked for. */
function listed(worker: Worker, expand: readonly string[]): object {
  const names = worker.connectors.map(({ name }) => name)
  if (expand.length === 0) return names
  const entries = worker.connectors.map((connector) => {
    const parts = {
      ...(expand.includes('status') && { status: worker.status(connector.name) }),
      ...(expand.includes('info') && { info: worker.info(connector) }),
    }
    return [connector.name, parts]
  })
  return Object.fromEntries(entries) as object
}

function initialState(body: unknown): Target {
  const { initial_state: state = 'RUNNING' } = body as { initial_state?: unknown }
  const asked = TARGETS.find((each) => each === String(state).toUpperCase())
  if (asked !== undefined) return asked
  throw new RestError(400, `initial_state must be one of: ${TARGETS.join(', ')}`)
}

const TARGETS: readonly Target[] = ['RUNNING', 'PAUSED', 'STOPPED']
const NOTHING: JsonAnswer = { status: 204 }
const ACCEPTED: JsonAnswer = { status: 202 }

function ok(body: unknown): JsonAnswer {
  return { status: 200, body }
}

function created(name: string, body: object): JsonAnswer {
  const location = `/connectors/${encodeURIComponent(name)}`
  return { status: 201, body, headers: { location } }
}

/** A RestError as its answer; all else is the server's. */
function refusing(handle: Handle): Handle {
  return async (request) => {
    try {
      return await handle(request)
    } catch (error) {
      if (!(error instanceof RestError)) throw error
      return { status: error.status, body: refusal(error.status, error.message) }
    }
  }
}

function nameIn(params: JsonRequest['params']): string {
  return param(params, 'name')
}

function param(params: JsonRequest['params'], name: string): string {
  return params[name] ?? ''
}

function isTrue(query: URLSearchParams, name: string): boolean {
  return query.get(name)?.toLowerCase() === 'true'
}
