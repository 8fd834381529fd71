// One connection to one broker, on the connection and the protocol of kafkajs.
// Owners: cluster.ts opens and closes them, one for each purpose, so that what waits at a broker
// (a fetch, a join) holds up nothing else: a broker answers the requests of a connection in turn.
//
// Invariants: N1 a request that fails or is not answered in time closes its connection: what was
// sent behind it cannot be answered out of turn, and nothing more goes out on it. N2 a fault says
// whether the request may have left (`sent`). N3 no timer runs while nothing is under way
// (request-queue.ts). N4 whom a broker does not let in, and who does not trust a broker, is told so
// at once: neither is tried again. N5 a quota is a wait, never a fault: mute.ts keeps it, nothing
// is late for it, and an answer that was withheld for it is asked for again.

import net from 'node:net'
import tls from 'node:tls'
import Connection from 'kafkajs/src/network/connection.js'
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js'
import protocol from 'kafkajs/src/protocol/requests/index.js'
import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { BrokerFault, CODE } from './broker-errors.ts'
import { Mute, type Throttled } from './mute.ts'
import { checkTimeouts, quieten } from './request-queue.ts'

export type BrokerPlace = { readonly host: string; readonly port: number }

/** TLS and SASL as kafkajs takes them; never shown. */
export type Security = {
  readonly ssl?: object
  readonly sasl?: {
    readonly mechanism: string
    readonly username: string
    readonly password: string
  }
}

export type ConnectionOptions = Security & {
  readonly clock: Clock
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly onThrottled?: (told: Throttled) => void
}

export type Api =
  | 'ApiVersions'
  | 'CreateTopics'
  | 'DeleteRecords'
  | 'DescribeConfigs'
  | 'DescribeGroups'
  | 'GroupCoordinator'
  | 'Heartbeat'
  | 'JoinGroup'
  | 'LeaveGroup'
  | 'ListOffsets'
  | 'OffsetCommit'
  | 'OffsetFetch'
  | 'SyncGroup'

/** A request with encoders of our own; `decode` gets the bytes after the correlation id. */
export type OwnRequest<T> = {
  readonly name: string
  readonly apiKey: number
  readonly apiVersion: number
  readonly encode: () => unknown
  readonly decode: (data: Buffer) => T
  /** Of the same bytes. */
  readonly quota: (data: Buffer) => Quota
}

/** `isWithheld`: for the quota's sake there is nothing else in the answer. */
export type Quota = { readonly throttleMs: number; readonly isWithheld: boolean }

type Versions = Readonly<Record<number, { minVersion: number; maxVersion: number }>>

const SILENT = {
  namespace: () => SILENT,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
const SAYS_NO: ReadonlySet<unknown> = new Set([
  CODE.unsupportedSaslMechanism,
  CODE.saslAuthenticationFailed,
])
/** A long poll is answered this long after its own time is over, or not at all. */
const LONG_POLL_GRACE_MS = 5_000
/** A request that is not answered is found out so much late at most. */
const TIMEOUT_CHECK_MS = 1_000
/** Of OpenSSL and Node: the other side's certificate is not to be trusted, or ours is not. */
const DISTRUST = new RegExp(
  '^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|' +
    'HOSTNAME_MISMATCH)|CERTIFICATE',
)

export class BrokerConnection {
  readonly #connection: Connection
  readonly #where: string
  readonly #options: ConnectionOptions
  #versions: Versions = {}
  #closed = false
  readonly #stop = new AbortController()
  readonly #mute: Mute
  /** How long an answer may take: little, until the broker has shown that it is there. */
  #answerMs: number

  private constructor(place: BrokerPlace, options: ConnectionOptions) {
    this.#where = `${place.host}:${place.port}`
    this.#options = options
    this.#answerMs = Math.min(options.connectTimeoutMs, options.requestTimeoutMs)
    this.#connection = new Connection({
      ...place,
      clientId: options.clientId,
      logger: SILENT,
      socketFactory,
      requestTimeout: this.#answerMs,
      connectionTimeout: options.connectTimeoutMs,
      ssl: options.ssl ?? null,
      sasl: options.sasl ?? null,
    })
    const { requestQueue } = this.#connection
    quieten(requestQueue, options.clock)
    const checkMs = Math.min(TIMEOUT_CHECK_MS, options.requestTimeoutMs / 4)
    const { signal } = this.#stop
    this.#mute = new Mute(options.clock, signal)
    checkTimeouts(requestQueue, { clock: options.clock, checkMs, signal, mute: this.#mute })
  }

  /** Throws BrokerFault, never sent; `log-not-authenticated`. */
  static async open(place: BrokerPlace, options: ConnectionOptions): Promise<BrokerConnection> {
    const opened = new BrokerConnection(place, options)
    try {
      await opened.#open()
      return opened
    } catch (cause) {
      opened.close()
      const why = `${opened.#where}: ${(cause as Error).message}`
      if (cause instanceof HbError) throw cause
      const { code } = cause as { code?: unknown }
      if (DISTRUST.test(String(code))) throw new HbError('log-not-authenticated', why, { cause })
      throw new BrokerFault(why, { sent: false, cause })
    }
  }

  get isOpen(): boolean {
    return !this.#closed && this.#connection.isConnected()
  }

  /** The decoded answer, errors in it included: whoever asked reads them. */
  async ask<T>(api: Api, args: object, waitMs = 0, answerMs = this.#answerMs): Promise<T> {
    const { request, response } = this.#protocolOf(api)(args)
    const raw = { decode: response.decode, parse: (data: unknown) => data }
    const answer = await this.#send(api, { request, response: raw }, waitMs, answerMs)
    this.#heard(api, (answer as { clientSideThrottleTime?: number }).clientSideThrottleTime)
    return answer as T
  }

  async askOwn<T>(own: OwnRequest<T>, waitMs = 0, answerMs = this.#answerMs): Promise<T> {
    const request = {
      apiKey: own.apiKey,
      apiVersion: own.apiVersion,
      apiName: own.name,
      encode: () => Promise.resolve(own.encode()),
    }
    const decode = (data: Buffer): Quota & { readonly answer?: T } => {
      const quota = own.quota(data)
      return quota.isWithheld ? quota : { ...quota, answer: own.decode(data) }
    }
    const response = { decode, parse: (data: unknown) => data }
    for (;;) {
      const got = await this.#send(own.name, { request, response }, waitMs, answerMs)
      const { throttleMs, isWithheld, answer } = got as ReturnType<typeof decode>
      this.#heard(own.name, throttleMs)
      if (!isWithheld) return answer as T
    }
  }

  /** At once: what is under way fails. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stop.abort()
    const { requestQueue, socket } = this.#connection
    requestQueue.rejectAll(new Error('closed'))
    // resolves as nothing is pending any more
    this.#connection.disconnect().catch(() => undefined)
    socket?.destroy()
  }

  async #open(): Promise<void> {
    await this.#connection.connect()
    const { apiVersions } = await this.ask<{
      apiVersions: { apiKey: number; minVersion: number; maxVersion: number }[]
    }>('ApiVersions', {})
    this.#versions = Object.fromEntries(apiVersions.map((each) => [each.apiKey, each]))
    this.#connection.setVersions(this.#versions)
    this.#connection.setSupportAuthenticationProtocol(true)
    await this.#authenticate()
    this.#answerMs = this.#options.requestTimeoutMs
  }

  /**
   * What kafkajs throws does not tell a broker that says no from one that hung up: its requests are
   * listened to. Throws `log-not-authenticated`.
   */
  async #authenticate(): Promise<void> {
    const connection = this.#connection
    let isFault = false
    const send = connection.send.bind(connection)
    connection.send = async (request) => {
      try {
        return await send(request)
      } catch (error) {
        isFault = !SAYS_NO.has((error as { code?: unknown }).code)
        throw error
      }
    }
    try {
      await connection.authenticate()
    } catch (cause) {
      if (isFault) throw cause
      const why = `${this.#where}: ${(cause as Error).message}`
      throw new HbError('log-not-authenticated', why, { cause })
    } finally {
      connection.send = send
    }
  }

  async #send(
    api: string,
    request: object,
    waitMs: number,
    answerMs: number,
  ): Promise<unknown> {
    const muted = this.#mute.over()
    if (muted !== undefined) await muted
    if (!this.isOpen) throw new BrokerFault(`${this.#where} is not connected`, { sent: false })
    const longPollMs = waitMs === 0 ? 0 : waitMs + LONG_POLL_GRACE_MS
    const requestTimeout = Math.max(answerMs, longPollMs)
    try {
      return await this.#connection.send({ ...request, requestTimeout })
    } catch (cause) {
      const isOurs = !this.#closed && !(cause as Error).name.startsWith('KafkaJS')
      this.close()
      if (isOurs) throw cause
      const why = (cause as Error).message
      throw new BrokerFault(`${api} at ${this.#where}: ${why}`, { sent: true, cause })
    }
  }

  #heard(request: string, throttleMs: number | undefined): void {
    if (throttleMs === undefined || throttleMs <= 0) return
    const { clientId, onThrottled } = this.#options
    const ms = this.#mute.extend(throttleMs)
    if (ms > 0) onThrottled?.({ clientId, request, ms })
  }

  /** The newest version that both sides know. */
  #protocolOf(api: Api) {
    const definition = protocol.requests[api]
    const key = apiKeys[api]
    if (definition === undefined || key === undefined) throw new Error(`no request ${api}`)
    const ours = definition.versions.map(Number)
    // before the versions are known there is only the question for them, which version 0 answers
    const theirs = api === 'ApiVersions' ? { minVersion: 0, maxVersion: 0 } : this.#versions[key]
    const fits = ours.filter(
      (each) => theirs !== undefined && each >= theirs.minVersion && each <= theirs.maxVersion,
    )
    if (fits.length === 0) {
      const text = `${this.#where} has no version of ${api} that this client knows`
      throw new BrokerFault(text, { sent: false })
    }
    return definition.protocol({ version: Math.max(...fits) })
  }
}

function socketFactory(place: {
  host: string
  port: number
  ssl: object | undefined
  onConnect: () => void
}): net.Socket {
  const { host, port, ssl, onConnect } = place
  const named = net.isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl
    ? tls.connect({ host, port, ...named, ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect)
  socket.setKeepAlive(true, 60_000)
  // a request is one write: waiting for more would only hold it up
  socket.setNoDelay(true)
  return socket
}
