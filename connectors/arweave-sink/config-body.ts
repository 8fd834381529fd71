// A configuration as it comes in JSON: an object of texts, alone or beside a name.

import type { Config } from './config-def.ts'
import { RestError } from './rest-error.ts'

/** Numbers and truth values count as their texts, as Connect takes them. Throws a RestError 400. */
export function configOf(body: unknown): Config {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RestError(400, 'The body must be a JSON object of configuration keys and values')
  }
  const entries = Object.entries(body).map(([key, value]: [string, unknown]) => {
    if (value === null) return [key, null]
    if (typeof value === 'string') return [key, value]
    if (typeof value === 'number' || typeof value === 'boolean') return [key, String(value)]
    throw new RestError(400, `The value of configuration ${key} must be a text`)
  })
  return Object.fromEntries(entries) as Config
}

/** Of {"name", "config"}, with the name in it. */
export function namedConfig(body: unknown): Config {
  const { name, config } = (body ?? {}) as { name?: unknown; config?: unknown }
  if (config === undefined) throw new RestError(400, 'The body must hold "name" and "config"')
  return withName(typeof name === 'string' ? name.trim() : '', configOf(config))
}

/** Where a configuration names itself it must be by the name that it is put under. */
export function withName(name: string, config: Config): Config {
  const own = config['name']
  if (own === undefined) return { ...config, name }
  if (own === name) return config
  const text = `Connector name configuration (${own}) doesn't match connector name in the URL`
  throw new RestError(400, `${text} (${name})`)
}
