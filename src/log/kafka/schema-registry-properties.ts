// The keys of a client's properties file that name a schema registry, as Confluent's clients call
// them.
//
// Invariant: those of client-properties.ts; an address that holds a password is refused unseen.

import type { Given } from './client-properties.ts'

export type SchemaRegistryProperties = {
  readonly url?: string
  readonly auth?: { readonly username: string; readonly password: string }
}

const URL_KEY = 'schema.registry.url'
const USER_KEY = 'basic.auth.user.info'
const SOURCE_KEY = 'basic.auth.credentials.source'

export const SCHEMA_REGISTRY_KEYS = [URL_KEY, USER_KEY, SOURCE_KEY]

/** Undefined: none is named. */
export function schemaRegistryOf(
  given: Given,
  warnings: string[],
): SchemaRegistryProperties | undefined {
  const url = given.text(URL_KEY)
  if (url !== undefined && !isRegistryUrl(url)) {
    given.fail(URL_KEY, `must be one http or https address, its user in ${USER_KEY}`)
  }
  const source = given.text(SOURCE_KEY)
  if (source !== undefined && source !== 'USER_INFO') given.fail(SOURCE_KEY, 'must be USER_INFO')
  const user = given.text(USER_KEY)
  if (user === undefined) return url === undefined ? undefined : { url }
  const colon = user.indexOf(':')
  if (colon < 1) given.fail(USER_KEY, 'must be a user, a colon, a password')
  if (url?.startsWith('http:') === true) {
    warnings.push(`${given.at(USER_KEY)}: without https the password goes in clear text`)
  }
  const auth = { username: user.slice(0, colon), password: user.slice(colon + 1) }
  return { ...(url !== undefined && { url }), auth }
}

/** One address, and no user or password in it. */
export function isRegistryUrl(text: string): boolean {
  const url = /^https?:\/\/[^\s,]+$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && url.username + url.password + url.search + url.hash === ''
}
