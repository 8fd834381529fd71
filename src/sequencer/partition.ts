// One partition's sequencer: batches of ingress in, settled entries out (R2, R3).
//
// Owners: service.ts makes one per assigned partition. Invariants: P1 batches are decided in the
// order of ingress; their signatures may be checked ahead. P2 a batch's promise resolves only when
// every message in it is settled, answered, refused (and in the dead letters) or dropped. P3
// answers and refusals come from settled entries only. P4 after a batch that failed, none that
// came behind it is decided: the order of ingress, and C3 of the chain, hold for what is written.
// P5 a batch waits for a schema registry only from the record on whose schema is not at hand; one
// without such records is not held up, nor by a turn of the event loop.

import { copyView } from '../protocol/accept.ts'
import type { Entry } from '../protocol/entry.ts'
import { entryHeaders } from '../protocol/entry.ts'
import type { LogRecord, StoredRecord } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { traceBytes, traceHeaders } from '../std/trace.ts'
import type { Chain } from './chain.ts'
import type { Candidate, Decision } from './core.ts'
import { checkCut, openersBehind } from './openers.ts'
import { decide, isExpired } from './core.ts'
import type { Part, Unusable } from './foreign-schemas.ts'
import type { IdIndex } from './id-index.ts'
import type { Checked, IngressCheckOptions } from './ingress-check.ts'
import { IngressCheck } from './ingress-check.ts'
import type { SequencerFigures, SequencerLimits, SequencerListener } from './ports.ts'

export type PartitionOptions = IngressCheckOptions & {
  readonly chain: Chain
  readonly index: IdIndex
  readonly limits: SequencerLimits
  readonly figures: SequencerFigures
  readonly listener: SequencerListener
  /** Aborted when the partition is given up, and when the service stops. */
  readonly waiting: AbortSignal
  readonly deadLetter: (record: StoredRecord, error: HbError) => Promise<void>
}

export class PartitionSequencer {
  readonly #o: PartitionOptions
  readonly #ingress: IngressCheck
  /** The tail of the queue of batches: each waits for the one before. */
  #turn: Promise<void> = Promise.resolve()
  /** The tail of the questions to a schema registry: one after another. */
  #asked: Promise<unknown> = Promise.resolve()
  #schemaAwaited: HbError | undefined

  constructor(options: PartitionOptions) {
    this.#o = options
    this.#ingress = new IngressCheck(options)
  }

  /** Why ingress waits for a schema registry, as long as it does. */
  get schemaAwaited(): HbError | undefined {
    return this.#schemaAwaited
  }

  /**
   * Takes the partition over: claims, reads up to the claim, and opens an empty log with the
   * genesis processes, and a generation with its first entry. Throws `generation-cut-missing`.
   */
  async open(): Promise<void> {
    const { chain, network, partition } = this.#o
    await chain.claim(false)
    checkCut(network, chain.view)
    for (;;) {
      const openers = openersBehind(network, partition, chain.view.height)
      if (openers.length === 0) return
      await this.#settle(openers)
    }
  }

  /** See `Member.records`: resolves when the batch's effects are durable. */
  batch(records: readonly StoredRecord[]): Promise<void> {
    const parts = this.#o.foreign?.parts(records)
    const done =
      parts === undefined ? this.#take(this.#ingress.check(records)) : this.#takeParts(parts)
    return done.then(() => this.#o.index.written())
  }

  #take(checked: Promise<Checked>): Promise<void> {
    const done = this.#turn.then(async () => this.#order(await checked))
    this.#turn = done
    // neither may be an unhandled rejection while nobody waits for it
    checked.catch(() => undefined)
    done.catch(() => undefined)
    return done
  }

  #takeParts(parts: readonly Part[]): Promise<void> {
    const unusable: Unusable = new Map()
    let done = Promise.resolve()
    for (const { records, id } of parts) {
      const check = (): Promise<Checked> => this.#ingress.check(records, unusable)
      done = this.#take(id === undefined ? check() : this.#learn(id, unusable).then(check))
    }
    return done
  }

  #learn(id: number, unusable: Unusable): Promise<void> {
    const { foreign, waiting, listener, partition } = this.#o
    const onWait = (error: HbError): void => {
      this.#schemaAwaited = error
      listener.schemaAwaited?.(partition, error)
    }
    const learned = this.#asked
      .then(() => foreign?.learn(id, unusable, waiting, onWait))
      .finally(() => (this.#schemaAwaited = undefined))
    this.#asked = learned.catch(() => undefined)
    return learned
  }

  /**
   * Of these records those of wallets that could have a place and have none. Whoever asks has
   * opened the partition, and nothing is under way.
   */
  async unplaced(records: readonly StoredRecord[]): Promise<StoredRecord[]> {
    const { index, chain } = this.#o
    const open: Candidate[] = []
    for (const record of records) {
      // whose schema would have to be asked for: it cannot be told, and counts as handled
      if (this.#ingress.isForeign(record)) continue
      try {
        const candidate = this.#ingress.candidate(record)
        const { message } = candidate
        const isOpen = message.origin === undefined && index.find(message.id) === undefined
        if (isOpen && !isExpired(message, chain.view.timestamp)) open.push(candidate)
      } catch (error) {
        if (!isHbError(error)) throw error
      }
    }
    if (open.length === 0) return []
    const sources = open.flatMap(({ source }) => source ?? [])
    const { candidates } = await this.#ingress.check(sources)
    return candidates.flatMap(({ source }) => source ?? [])
  }

  /** Resolves when no batch is under way. */
  idle(): Promise<void> {
    return this.#turn.catch(() => undefined)
  }

  async #order({ candidates, refused }: Checked): Promise<void> {
    const { limits } = this.#o
    let rest = candidates
    while (rest.length > 0) {
      let bytes = 0
      let count = 0
      while (count < rest.length && count < limits.appendEntriesMax) {
        bytes += wireBytes(rest[count] as Candidate)
        if (count > 0 && bytes > limits.appendBytesMax) break
        count += 1
      }
      const some = rest.slice(0, count)
      rest = rest.slice(count)
      await this.#settle(some)
    }
    for (const { record, error } of refused) await this.#refuse(record, error)
  }

  /** Decides and appends until all are settled, answered or refused. */
  async #settle(candidates: readonly Candidate[]): Promise<void> {
    const { index, limits, clock, signal } = this.#o
    let delay = 0
    try {
      while (!(await this.#orderSome(candidates))) {
        if (delay > 0) await clock.sleep(delay, signal)
        delay = Math.min(Math.max(delay * 2, limits.retryDelayMs), 2_000)
      }
    } finally {
      index.keepExpired = false
    }
  }

  /** One append at most. False: it was unclear; what the log says is settled: decide again. */
  async #orderSome(candidates: readonly Candidate[]): Promise<boolean> {
    const { chain, index, network, clock } = this.#o
    const decisions = decide(
      {
        network: network.id,
        view: copyView(chain.view),
        settledTime: chain.view.timestamp,
        now: clock.now(),
        known: (id) => index.find(id),
      },
      candidates,
    )
    const entries: Entry[] = []
    const batch: LogRecord[] = []
    decisions.forEach((decision, at) => {
      if (decision.type !== 'order') return
      entries.push(decision.entry)
      batch.push(this.#logRecord(decision.entry, candidates[at] as Candidate))
    })
    if (entries.length > 0 && (await chain.append(entries, batch)) === 'unclear') {
      // only what was in it: what was to be refused beside it is refused still
      decisions.forEach(({ type }, at) => {
        if (type === 'order') (candidates[at] as Candidate).unclear = true
      })
      // what is read back may only be answered from the index: nothing is forgotten until then (Q3)
      index.keepExpired = true
      await chain.claim(true)
      return false
    }
    await this.#answer(candidates, decisions)
    this.#observe(candidates, decisions)
    return true
  }

  #logRecord(entry: Entry, { wire, leg }: Candidate): LogRecord {
    const { height, prev, timestamp, admission, message } = entry
    const value = this.#o.records.encodeEntry({
      height,
      prev: asBuffer(prev),
      timestamp,
      admission,
      message: wire,
    })
    const key = message.process
    const headers = entryHeaders(entry)
    if (leg === undefined) return { key, value, headers }
    return { key, value, headers: { ...headers, ...traceHeaders(leg) } }
  }

  async #answer(candidates: readonly Candidate[], decisions: readonly Decision[]): Promise<void> {
    const { figures, listener, partition } = this.#o
    for (let at = 0; at < decisions.length; at++) {
      const decision = decisions[at] as Decision
      const { message, source, leg } = candidates[at] as Candidate
      if (decision.type === 'drop') {
        leg?.end(decision.why)
        if (decision.why === 'gap') figures.gaps += 1
        else figures.duplicates += 1
      } else if (decision.type === 'repeat' || decision.type === 'twin') {
        leg?.end()
        figures.duplicates += 1
        const place = decision.type === 'twin' ? decision.entry : decision.place
        listener.repeated?.(message.id, partition, place)
      } else if (decision.type === 'refuse') {
        leg?.end(decision.code)
        await this.#refuse(source, new HbError(decision.code, decision.detail), message.id)
      }
    }
  }

  /** How long what was settled now had been in ingress. */
  #observe(candidates: readonly Candidate[], decisions: readonly Decision[]): void {
    const { figures, clock } = this.#o
    const now = clock.now()
    for (let at = 0; at < decisions.length; at++) {
      const { source, leg } = candidates[at] as Candidate
      if (source === undefined || (decisions[at] as Decision).type !== 'order') continue
      leg?.end()
      figures.settleSeconds.observeMs(now - source.timestamp)
    }
  }

  async #refuse(record: StoredRecord | undefined, error: HbError, id?: string): Promise<void> {
    this.#o.figures.refused += 1
    if (record !== undefined) {
      await this.#o.deadLetter(record, error)
      this.#o.figures.deadLetters += 1
    }
    if (id !== undefined) this.#o.listener.refused?.(id, error)
  }
}

/** About the bytes that a message takes in the log. */
function wireBytes({ wire, leg }: Candidate): number {
  const traced = leg === undefined ? 0 : traceBytes(leg)
  if (wire.type === 'signed') return wire.item.length + 256 + traced
  if (wire.type === 'genesis') return 256
  let bytes = wire.relayed.data.length + 512 + traced
  for (const tag of wire.relayed.tags) bytes += tag.name.length + tag.value.length + 8
  return bytes
}
