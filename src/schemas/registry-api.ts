// The API of a schema registry, on the lower half of @kafkajs/confluent-schema-registry: its HTTP
// client, whose answers and failures are made ours here.
//
// Invariants: A1 a call ends within the time that it is given, whatever the other side does. A2 no
// text of an error holds credentials. A3 a 404 is an answer only of what answers as a registry does
// (`isRegistry`): a proxy in front of one that is away, or a wrong path, says 404 too.

import apiModule from '@kafkajs/confluent-schema-registry/dist/api/index.js'
import { systemClock, type Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'

export type RegistryPlace = {
  /** http or https, without credentials. */
  readonly url: string
  readonly auth?: { readonly username: string; readonly password: string }
  /** For one call; default 10,000. */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

export const REGISTRY_TIMEOUT_MS = 10_000

/** The settings that the client and the class on top of it share. */
export function settingsOf({ url, auth, timeoutMs = REGISTRY_TIMEOUT_MS }: RegistryPlace) {
  return {
    host: url.replace(/\/+$/, ''),
    clientId: 'hollowbeam',
    // whoever calls knows whether and when to ask again
    retry: { retries: 0 },
    middlewares: [timesOut(timeoutMs)],
    ...(auth !== undefined && { auth }),
  }
}

type Request = { enhance(extras: { timeout: number }): Request }

/** Closes the connection of a request that is not answered. */
function timesOut(timeout: number) {
  return () => ({
    prepareRequest: async (next: () => Promise<Request>) => (await next()).enhance({ timeout }),
  })
}

export type Method =
  | 'latestVersion'
  | 'version'
  | 'config'
  | 'updateConfig'
  | 'register'
  | 'compatible'

type Call = (params?: object) => Promise<{ data(): unknown }>

export class RegistryApi {
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #client: { readonly Schema: { find: Call }; readonly Subject: Record<string, Call> }

  constructor(place: RegistryPlace) {
    this.#timeoutMs = place.timeoutMs ?? REGISTRY_TIMEOUT_MS
    this.#clock = place.clock ?? systemClock
    const client: unknown = apiModule.default(settingsOf(place) as never)
    this.#client = client as { Schema: { find: Call }; Subject: Record<string, Call> }
  }

  /** What the registry answered; undefined: it has no such thing. */
  async call(method: Method, params: object): Promise<unknown> {
    const call = this.#client.Subject[method] as Call
    try {
      return (await this.inTime(call(params))).data()
    } catch (error) {
      if (statusOf(error) !== 404) throw faultOf(error)
      await this.mustBeRegistry()
      return undefined
    }
  }

  /** The text of a schema; undefined: what answered is no registry. */
  async schemaText(id: number): Promise<string | undefined> {
    const found = (await this.inTime(this.#client.Schema.find({ id }))).data()
    const { schema } = Object(found) as { schema?: unknown }
    return typeof schema === 'string' ? schema : undefined
  }

  /** Throws `schema-registry-unreachable`, `schema-registry-refused`. */
  async mustBeRegistry(): Promise<void> {
    try {
      const call = this.#client.Subject['all'] as Call
      if (Array.isArray((await this.inTime(call())).data())) return
    } catch (error) {
      if (statusOf(error) !== 404) throw faultOf(error)
    }
    throw new HbError('schema-registry-refused', 'what answers there is no schema registry')
  }

  /** Also where an answer begins and never ends. Throws `schema-registry-unreachable`. */
  async inTime<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController()
    const late = this.#clock.sleep(this.#timeoutMs * 2, done.signal).then(() => {
      throw new HbError('schema-registry-unreachable', `no answer in ${this.#timeoutMs} ms`)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      late.catch(() => undefined)
      work.catch(() => undefined)
      done.abort()
    }
  }
}

/** Of the client's errors; undefined: not one of them. */
export function statusOf(error: unknown): number | undefined {
  const { status } = Object(error) as { status?: unknown }
  return typeof status === 'number' ? status : undefined
}

/** A failure in our words. The client's own code for "no connection, or not in time" is 400. */
export function faultOf(error: unknown): HbError {
  if (error instanceof HbError) return error
  const status = statusOf(error)
  const text = String((error as Error).message).replace(/^hollowbeam - (Error, status 400: )?/, '')
  const isRefusal = status !== undefined && status > 400 && status < 500
  if (status === 408 || status === 429 || !isRefusal) {
    return new HbError('schema-registry-unreachable', text, { cause: error })
  }
  return new HbError('schema-registry-refused', text, { cause: error })
}
