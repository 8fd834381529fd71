// A connector's configuration in a file, in the three forms that connect-standalone takes: a JSON
// object of texts, {"name", "config"}, or Java properties.
//
// Invariant: no error shows a value: it may be a secret.

import { readFile } from 'node:fs/promises'
import { HbError, parseProperties } from '../../src/index.ts'
import type { Config } from './config-def.ts'
import { configOf, namedConfig } from './config-body.ts'
import { RestError } from './rest-error.ts'

/** With its name in it. Throws `connector-config-invalid`, `file-unreadable`. */
export async function readConnectorFile(path: string): Promise<Config> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new HbError('file-unreadable', path, { cause })
  })
  try {
    const config = /^\s*\{/.test(text) ? fromJson(text) : fromProperties(text)
    if (typeof config['name'] === 'string') return config
    throw new RestError(400, "it lacks the configuration 'name'")
  } catch (error) {
    if (!(error instanceof RestError)) throw error
    throw new HbError('connector-config-invalid', `${path}: ${error.message}`)
  }
}

function fromJson(text: string): Config {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // what JSON.parse says quotes the text
    throw new RestError(400, 'it begins as JSON, and is none')
  }
  const isNamed = typeof (value as { config?: unknown }).config === 'object'
  return isNamed ? namedConfig(value) : configOf(value)
}

function fromProperties(text: string): Config {
  const properties = parseProperties(text, (line, why) => {
    throw new RestError(400, `line ${line}: ${why}`)
  })
  return Object.fromEntries(properties.map(({ key, value }) => [key, value]))
}
