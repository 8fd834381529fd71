// The brokers of a cluster: who leads which partition, who coordinates which group, and a
// connection to a broker for each purpose. Owners: kafka-log.ts makes one; its parts ask it for
// connections and never keep one that failed.
//
// Invariants: K1 a connection is of one broker and one purpose; one that closed is opened again
// when it is asked for. K2 metadata is asked for by one at a time, at most once in `retryDelayMs`,
// of any broker that answers: those known, then those named at the start. K3 nothing is tried in a
// tight loop: whoever tries again waits, up to `retryDelayMsMax`.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import { BrokerFault, BrokerRefusal, CODE, isDenied } from './broker-errors.ts'
import type { BrokerPlace, ConnectionOptions } from './connection.ts'
import { BrokerConnection } from './connection.ts'
import type { KafkaLogLimits } from './limits.ts'
import { metadataRequest, type PartitionLeader } from './metadata.ts'

export type ClusterOptions = {
  readonly seeds: readonly BrokerPlace[]
  readonly connection: ConnectionOptions
  readonly clock: Clock
  readonly limits: KafkaLogLimits
}

export class Cluster {
  readonly #o: ClusterOptions
  readonly #brokers = new Map<number, BrokerPlace>()
  readonly #topics = new Map<string, readonly PartitionLeader[]>()
  readonly #topicIds = new Map<string, string>()
  /** Topics that somebody asked for: all are asked for together. */
  readonly #wanted = new Set<string>()
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  /** Who did not answer when it was last asked something that any broker can tell: asked last. */
  readonly #silent = new Set<string>()
  readonly #stop = new AbortController()
  #refreshing: Promise<void> | undefined
  #refreshedAt = -Infinity
  #controller = -1
  #rotation = 0

  constructor(options: ClusterOptions) {
    this.#o = options
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get brokerIds(): readonly number[] {
    return [...this.#brokers.keys()]
  }

  get controller(): number {
    return this.#controller
  }

  /** An open connection. Throws BrokerFault, never sent; `log-closed`. */
  async connection(broker: number, purpose: string): Promise<BrokerConnection> {
    const place = this.#brokers.get(broker)
    if (place === undefined) throw new BrokerFault(`broker ${broker} is unknown`, { sent: false })
    return this.#open(`${broker} ${purpose}`, place)
  }

  /** Ends the connections of these purposes, to all brokers: what is under way on them fails. */
  release(purposes: readonly string[]): void {
    for (const [key, opening] of this.#connections) {
      if (!purposes.includes(key.slice(key.indexOf(' ') + 1))) continue
      this.#connections.delete(key)
      opening.then(
        (connection) => connection.close(),
        () => undefined,
      )
    }
  }

  /** Partitions of a topic, as last heard; undefined: not known (or gone). */
  partitions(topic: string): readonly PartitionLeader[] | undefined {
    return this.#topics.get(topic)
  }

  /** Another than before: the topic was made anew. */
  topicId(topic: string): string | undefined {
    return this.#topicIds.get(topic)
  }

  /** Asks for the topic's partitions if they are not known. Throws `log-topic-unknown`. */
  async topic(topic: string): Promise<readonly PartitionLeader[]> {
    this.#wanted.add(topic)
    const known = this.#topics.get(topic)
    if (known !== undefined) {
      const age = this.#o.clock.now() - this.#refreshedAt
      // nobody waits for news of what is known: an answer of a broker says when it is wrong
      if (age > this.#o.limits.metadataAgeMsMax) this.refresh().catch(() => undefined)
      return known
    }
    // a question that is under way may have been put before the topic was wanted
    if (this.#refreshing !== undefined) await this.#refreshing.catch(() => undefined)
    await this.retry(`the topic ${topic}`, async () => this.refresh())
    const found = this.#topics.get(topic)
    if (found !== undefined) return found
    this.#wanted.delete(topic)
    throw new HbError('log-topic-unknown', topic)
  }

  /** The leader of a partition, or undefined while there is none. Throws `log-topic-unknown`. */
  async leader(topic: string, partition: number): Promise<number | undefined> {
    const found = (await this.topic(topic))[partition]
    if (found === undefined) throw new HbError('log-topic-unknown', `${topic}[${partition}]`)
    return found.leader < 0 ? undefined : found.leader
  }

  /** Hears anew of brokers and topics. Throws BrokerFault where no broker answers. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** The broker that coordinates the group. Throws BrokerFault, BrokerRefusal. */
  async coordinator(group: string): Promise<number> {
    const answer = await this.#anywhere((connection) =>
      connection.ask<{ errorCode: number; coordinator: BrokerPlace & { nodeId: number } }>(
        'GroupCoordinator',
        { groupId: group, coordinatorKey: group, coordinatorType: 0 },
        0,
        this.#o.limits.connectTimeoutMs,
      ),
    )
    if (answer.errorCode !== CODE.none) {
      throw new BrokerRefusal('GroupCoordinator', answer.errorCode)
    }
    const { nodeId, host, port } = answer.coordinator
    this.#brokers.set(nodeId, { host, port })
    return nodeId
  }

  /**
   * Tries again what a broker's absence made fail, for `retryMsMax`. Throws `log-unreachable`,
   * `log-closed`, `log-not-authorized`, and at once whatever is an HbError.
   */
  async retry<T>(what: string, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { clock, limits } = this.#o
    const deadline = clock.now() + limits.retryMsMax
    for (let delay = limits.retryDelayMs; ; delay = Math.min(delay * 2, limits.retryDelayMsMax)) {
      this.checkOpen()
      try {
        return await attempt()
      } catch (cause) {
        if (!(cause instanceof BrokerFault || cause instanceof BrokerRefusal)) throw cause
        this.checkOpen()
        if (cause instanceof BrokerRefusal && isDenied(cause.code)) throw denied(what, cause)
        if (clock.now() >= deadline || signal?.aborted === true) {
          throw new HbError('log-unreachable', `${what}: ${cause.message}`, { cause })
        }
      }
      await clock.sleep(delay, this.#stop.signal)
    }
  }

  checkOpen(): void {
    if (this.#stop.signal.aborted) throw new HbError('log-closed')
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const opening of this.#connections.values()) {
      await opening.then(
        (connection) => connection.close(),
        () => undefined,
      )
    }
    this.#connections.clear()
  }

  #open(key: string, place: BrokerPlace): Promise<BrokerConnection> {
    const known = this.#connections.get(key)
    if (known !== undefined) {
      return known.then((connection) => {
        if (connection.isOpen) return connection
        if (this.#connections.get(key) === known) this.#connections.delete(key)
        return this.#open(key, place)
      })
    }
    this.checkOpen()
    const opening = BrokerConnection.open(place, this.#o.connection)
    this.#connections.set(key, opening)
    opening.then(
      (connection) => {
        if (this.#stop.signal.aborted) connection.close()
      },
      () => {
        if (this.#connections.get(key) === opening) this.#connections.delete(key)
      },
    )
    return opening
  }

  async #refresh(): Promise<void> {
    const { clock, limits } = this.#o
    const waitMs = this.#refreshedAt + limits.retryDelayMs - clock.now()
    if (waitMs > 0) await clock.sleep(waitMs, this.#stop.signal)
    this.checkOpen()
    const topics = [...this.#wanted]
    const answer = await this.#anywhere((connection) =>
      connection.askOwn(metadataRequest(topics), 0, limits.connectTimeoutMs),
    )
    this.#refreshedAt = clock.now()
    this.#controller = answer.controller
    this.#brokers.clear()
    for (const { id, host, port } of answer.brokers) this.#brokers.set(id, { host, port })
    for (const { topic, code, id, partitions } of answer.topics) {
      if (isDenied(code)) throw new BrokerRefusal(`Metadata of ${topic}`, code)
      if (code === CODE.unknownTopic) this.#topics.delete(topic)
      if (code !== CODE.none) continue
      this.#topics.set(topic, partitions)
      this.#topicIds.set(topic, id)
    }
  }

  /** Asks one broker after another until one answers. */
  async #anywhere<T>(ask: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const all = [...this.#brokers.values(), ...this.#o.seeds]
    const from = this.#rotation++ % all.length
    const inTurn = [...all.slice(from), ...all.slice(0, from)]
    const places = new Map(inTurn.map((each) => [`${each.host}:${each.port}`, each]))
    const sound = [...places].filter(([name]) => !this.#silent.has(name))
    const silent = [...places].filter(([name]) => this.#silent.has(name))
    let last: unknown
    for (const [name, place] of [...sound, ...silent]) {
      try {
        const answer = await ask(await this.#open(`${name} any`, place))
        this.#silent.delete(name)
        return answer
      } catch (error) {
        if (!(error instanceof BrokerFault)) throw error
        this.checkOpen()
        this.#silent.add(name)
        last = error
      }
    }
    throw last
  }
}

export function denied(what: string, cause: BrokerRefusal): HbError {
  return new HbError('log-not-authorized', `${what}: ${cause.message}`, { cause })
}
