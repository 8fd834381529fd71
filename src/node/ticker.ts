// The ticker: pokes the clock when its first alarm is due, with a message signed by a wallet of its
// own, which comes in at the door as anybody's does. It is trusted with nothing: whether an alarm
// is due the log's time decides, and anyone else may poke as well.
//
// Owners: node.ts makes one for a node with the DRE where the network has a clock.
// Invariants: T1 only the node whose DRE has the clock's partition open pokes. T2 when the next
// alarm is due it learns from the clock's own results (the event Next-Alarm) and never from its
// state; where it does not know, a poke tells. T3 idle, it has one sleep and does nothing. T4 two
// pokes are pokeIntervalMsMin apart at least; while they change nothing (they are refused, or the
// sequencer's clock is behind this one) each pause is twice the one before. T5 a poke that waits
// somewhere for too long expires: it must not come in a heap with others.

import { generateKeyPairSync } from 'node:crypto'
import type { DreService } from '../dre/index.ts'
import { ED25519, signDataItem } from '../protocol/ans104/index.ts'
import type { SigningKey } from '../protocol/ans104/index.ts'
import type { Network } from '../protocol/genesis.ts'
import { genesisProcess } from '../protocol/genesis.ts'
import { tagValue } from '../protocol/message.ts'
import type { Result } from '../protocol/result.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { Clock } from '../std/clock.ts'
import { fromBase64Url } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'
import { CLOCK, CLOCK_MODULE } from '../system/index.ts'
import type { ClockLimits } from '../system/index.ts'
import type { Submitted } from './api.ts'
import type { NodeOptions } from './node.ts'
import type { Ownership } from './ownership.ts'

export type TickerLimits = {
  /** Between two pokes, ms; default 20. */
  readonly pokeIntervalMsMin: number
  /** The first pause after a poke that changed nothing, ms; default 500. */
  readonly pokeRetryMs: number
  /** The longest, ms; default 60,000. */
  readonly pokeRetryMsMax: number
  /** How long a poke is good for, ms; default 30,000. */
  readonly pokeExpiryMs: number
}

export const TICKER_LIMITS: TickerLimits = {
  pokeIntervalMsMin: 20,
  pokeRetryMs: 500,
  pokeRetryMsMax: 60_000,
  pokeExpiryMs: 30_000,
}

export type TickerFigures = {
  /** Durable in ingress. */
  pokes: number
  /** By the code of the error. */
  readonly failures: Map<string, number>
}

export type TickerOptions = {
  readonly network: Network
  readonly clock: Clock
  readonly key: SigningKey
  readonly dre: DreService
  readonly ownership: Pick<Ownership, 'of'>
  readonly limits?: Partial<TickerLimits> | undefined
  readonly onFailed: (error: unknown) => void
}

type Submit = (items: readonly Uint8Array[]) => Promise<readonly Submitted[]>

/** When the next alarm is due, ms; Infinity: there is none; undefined: not known. */
type Due = number | undefined

/** Results of the clock that are looked through for what it said last. */
const LOOK_BACK_MAX = 64
/** A timer takes no more than 2^31 - 1 ms. */
const SLEEP_MS_MAX = 86_400_000

export class Ticker {
  readonly figures: TickerFigures = { pokes: 0, failures: new Map() }
  readonly #o: TickerOptions
  readonly #limits: TickerLimits
  readonly #process: string
  readonly #partition: number
  readonly #carries: ClockLimits
  readonly #stop = new AbortController()
  #done: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined
  #hasLearned = false
  #due: Due
  /** Pokes since what is due changed last. */
  #vain = 0
  #notBefore = -Infinity

  /** `process`: the clock's id. */
  constructor(options: TickerOptions, process: string, carries: ClockLimits) {
    this.#o = options
    this.#limits = { ...TICKER_LIMITS, ...options.limits }
    this.#process = process
    this.#carries = carries
    this.#partition = partitionOf(process, options.network.genesis.partitions)
  }

  /** `submit`: the door. */
  start(submit: Submit): void {
    this.#done = this.#run(submit)
  }

  /** How long the first alarm is due, ms; undefined: none is, or it is not this node's to poke. */
  get overdueMs(): number | undefined {
    if (!this.#isOwner || this.#due === undefined || this.#due > this.#now()) return undefined
    return this.#now() - this.#due
  }

  /** New results of a partition are stored; called synchronously. */
  evaluated(partition: number, results: readonly Result[]): void {
    if (partition !== this.#partition || !this.#hasLearned) return
    const said = this.#lastSaid(results)
    if (said === undefined) return
    // of more than one poke fires, what is left may be due at the same time
    if (said === this.#due && !this.#hasFired(results)) return
    this.#due = said
    this.#vain = 0
    this.#wake()
  }

  /** The DRE's partition is open here, or is going. */
  moved(partition: number): void {
    if (partition !== this.#partition) return
    this.#hasLearned = false
    this.#wake()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#done
  }

  get #isOwner(): boolean {
    return this.#o.ownership.of('dre', this.#partition) === 'open'
  }

  /** The machine's time, or the log's where that is ahead: entries have no earlier one. */
  #now(): number {
    const settled = this.#o.dre.owned(this.#partition)?.store.position()?.view.timestamp
    return Math.max(this.#o.clock.now(), settled ?? 0)
  }

  async #run(submit: Submit): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const waitMs = this.#waitMs()
      if (waitMs > 0) await this.#sleep(waitMs)
      else await this.#poke(submit)
    }
  }

  #waitMs(): number {
    if (!this.#isOwner) return Infinity
    if (!this.#hasLearned) {
      this.#hasLearned = true
      this.#due = this.#learn()
      this.#vain = 0
    }
    const now = this.#now()
    return Math.max((this.#due ?? now) - now, this.#pauseEnd() - this.#o.clock.now())
  }

  #pauseEnd(): number {
    const { pokeIntervalMsMin, pokeRetryMs, pokeRetryMsMax } = this.#limits
    const pauseMs = this.#vain === 0 ? 0 : pokeRetryMs * 2 ** Math.min(this.#vain - 1, 30)
    return this.#notBefore + Math.max(pokeIntervalMsMin, Math.min(pauseMs, pokeRetryMsMax))
  }

  async #sleep(ms: number): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await this.#o.clock.sleep(Math.min(ms, SLEEP_MS_MAX), woken.signal)
    this.#wake = () => undefined
  }

  /** What the clock said last, as far as its results are here. */
  #learn(): Due {
    const store = this.#o.dre.owned(this.#partition)?.store
    const row = store?.row(this.#process)
    // its spawn is still to come, and tells
    if (store === undefined || row === undefined) return Infinity
    const from = Math.max(0, row.settledSlot + 1 - LOOK_BACK_MAX)
    const heights = store.heights(this.#process, from, LOOK_BACK_MAX)
    return this.#lastSaid(heights.flatMap((height) => store.result(height) ?? []))
  }

  #lastSaid(results: readonly Result[]): Due {
    for (let at = results.length - 1; at >= 0; at--) {
      const { process, messages } = results[at] as Result
      if (process !== this.#process) continue
      const said = messages.find(
        ({ kind, tags }) => kind === 'event' && tagValue(tags, 'Action') === 'Next-Alarm',
      )
      if (said === undefined) continue
      const due = tagValue(said.tags, 'At')
      return due === undefined ? Infinity : Number(due)
    }
    return undefined
  }

  #hasFired(results: readonly Result[]): boolean {
    return results.some(
      ({ process, messages }) =>
        process === this.#process &&
        messages.some(({ tags }) => tagValue(tags, 'Action') === 'Alarm'),
    )
  }

  async #poke(submit: Submit): Promise<void> {
    const { clock, onFailed } = this.#o
    this.#notBefore = clock.now()
    this.#vain += 1
    try {
      const [answer] = await submit([this.#item()])
      if (answer !== undefined && 'error' in answer) throw answer.error
      this.figures.pokes += 1
    } catch (error) {
      const { failures } = this.figures
      const code = isHbError(error) ? error.code : 'internal-error'
      failures.set(code, (failures.get(code) ?? 0) + 1)
      onFailed(error)
    }
  }

  /** With what the clock needs to fire as many as one message can, and no more. */
  #item(): Buffer {
    const { network, key } = this.#o
    const { firedMax, alarmHops, alarmCount } = this.#carries
    const { id, genesis } = network
    const count = Math.min(genesis.limits.countMax, firedMax * (alarmCount + 1))
    const { generation } = genesis
    const tags = {
      'HB-Network': id,
      ...(generation !== 0 && { 'HB-Generation': String(generation) }),
      'HB-Expires': String(this.#now() + this.#limits.pokeExpiryMs),
      'HB-Hops': String(alarmHops + 1),
      'HB-Count': String(count),
      Action: 'Poke',
    }
    return signDataItem(key, {
      target: fromBase64Url(this.#process),
      tags: Object.entries(tags).map(([name, value]) => ({ name, value })),
    })
  }
}

/** Undefined: nothing signs, nobody here evaluates, or the network has no clock. */
export function makeTicker(
  { tickerKey: key, limits }: Pick<NodeOptions, 'tickerKey' | 'limits'>,
  parts: Pick<TickerOptions, 'network' | 'clock' | 'ownership' | 'onFailed'> & {
    readonly dre: DreService | undefined
  },
): Ticker | undefined {
  const { network, dre } = parts
  const process = network.processIds.get(CLOCK)
  const genesis = genesisProcess(network, CLOCK)
  if (key === undefined || dre === undefined || process === undefined) return undefined
  if (genesis?.engine !== 'native' || genesis.source !== CLOCK_MODULE) return undefined
  const carries = genesis.state['limits'] as ClockLimits
  return new Ticker({ ...parts, dre, key, limits: limits?.ticker }, process, carries)
}

/** A key for a ticker: of this life alone, since nobody trusts it with anything. */
export function newTickerKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { signatureType: ED25519, owner: fromBase64Url(x), privateKey }
}
