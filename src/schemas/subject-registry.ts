// The subjects of an application id in a registry: registered, or compared with what this version
// ships.
//
// Invariants: R1 registering twice changes nothing. R2 comparing changes nothing.

import { HbError, isHbError } from '../std/errors.ts'
import { differences, type Difference } from './difference.ts'
import { RegistryApi, statusOf, type RegistryPlace } from './registry-api.ts'
import type { Subject } from './subjects.ts'

/** New readers read everything that is there. */
export const COMPATIBILITY = 'BACKWARD_TRANSITIVE'

export type Registered = {
  readonly subject: string
  readonly id: number
  readonly version: number
  /** What the registry holds later versions to. */
  readonly compatibility: string
}

export type Compared = {
  readonly subject: string
  /** Of the latest version; undefined: there is none. */
  readonly version: number | undefined
  /** Empty: what is registered is what this version ships. */
  readonly differences: readonly Difference[]
  /** Whether the registry would take this version's schema. */
  readonly compatible: boolean
  readonly compatibility: string | undefined
}

type Version = { readonly id: number; readonly version: number; readonly schema: string }

export class SubjectRegistry {
  readonly #api: RegistryApi

  constructor(place: RegistryPlace) {
    this.#api = new RegistryApi(place)
  }

  /** Throws `schema-registry-unreachable`, `schema-registry-refused` (not compatible, …). */
  async register({ name, schema }: Subject): Promise<Registered> {
    const compatibility = await this.#demand(name)
    const { id } = asked<{ id: number }>(
      await this.#api.call('register', { subject: name, body: { schema } }),
      name,
    )
    const latest = await this.#latest(name)
    if (latest === undefined) throw noRegistry(name)
    return { subject: name, id, version: latest.version, compatibility }
  }

  async compare({ name, schema }: Subject): Promise<Compared> {
    const latest = await this.#latest(name)
    if (latest === undefined) {
      const whole = { path: 'the subject', registered: undefined, shipped: 'a schema' }
      const none = { version: undefined, compatibility: undefined, compatible: true }
      return { subject: name, ...none, differences: [whole] }
    }
    return {
      subject: name,
      version: latest.version,
      differences: differences(latest.schema, schema),
      compatible: await this.#isCompatible(name, schema, latest.version),
      compatibility: await this.#compatibility(name),
    }
  }

  /** Asks for our level; a registry that does not have it keeps its own. */
  async #demand(subject: string): Promise<string> {
    const before = await this.#compatibility(subject)
    if (before === COMPATIBILITY) return before
    try {
      const body = { compatibility: COMPATIBILITY }
      await this.#api.call('updateConfig', { subject, body })
    } catch (error) {
      if (!isHbError(error, 'schema-registry-refused')) throw error
      const status = statusOf(error.cause)
      if (status === 401 || status === 403) throw error
    }
    return (await this.#compatibility(subject)) ?? 'NONE'
  }

  /** Of the subject; undefined: it has none of its own. */
  async #compatibility(subject: string): Promise<string | undefined> {
    const config = await this.#api.call('config', { subject })
    const { compatibilityLevel } = Object(config) as { compatibilityLevel?: unknown }
    return typeof compatibilityLevel === 'string' ? compatibilityLevel.toUpperCase() : undefined
  }

  async #latest(subject: string): Promise<Version | undefined> {
    const found = await this.#api.call('latestVersion', { subject })
    return found === undefined ? undefined : asked<Version>(found, subject)
  }

  /** With every version, not the latest alone: that is what "transitive" says. */
  async #isCompatible(subject: string, schema: string, latest: number): Promise<boolean> {
    for (let version = latest; version > 0; version--) {
      const params = { subject, version: String(version), body: { schema } }
      const answer = await this.#api.call('compatible', params)
      // a version that was deleted in between
      if (answer === undefined) continue
      if (asked<{ is_compatible: boolean }>(answer, subject).is_compatible !== true) return false
    }
    return true
  }
}

function asked<T>(answer: unknown, subject: string): T {
  if (typeof answer === 'object' && answer !== null) return answer as T
  throw noRegistry(subject)
}

function noRegistry(subject: string): HbError {
  return new HbError('schema-registry-refused', `${subject}: this is no answer of a registry`)
}
