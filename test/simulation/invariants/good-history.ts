// A good history: a run's tape, what is known at its end, and what bad histories are made of: the
// messages and results that it holds, and the tape with something else in it.
//
// Owners: index.test.ts records one; plants/ change it. Invariant: G1 what changes it gives another
// tape: the history itself stays good.

import type { MessageStatus } from '../../../src/node/index.ts'
import type { EntryRecord } from '../../../src/protocol/codec/records.ts'
import { deadLetterOf } from '../../../src/protocol/dead-letter.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import type { Result, Run } from '../../../src/protocol/result.ts'
import { signedMessage } from '../../../src/protocol/signed.ts'
import { HbError } from '../../../src/std/errors.ts'
import type { ErrorCode } from '../../../src/std/errors.ts'
import { ed25519Key, signedItem } from '../../protocol/fixtures.ts'
import { NO_ARCHIVE } from '../archive/plan.ts'
import type { Known, KnownPartition } from './known.ts'
import { appendedTo, cut, entryOfRecord, followed, isAppended } from './tape.ts'
import { newest, next, play, record, RECORDS, runOfRecord, withRun } from './tape.ts'
import type { Appended, Played, Tape } from './tape.ts'
import type { Happening } from './watch.ts'

/** The partition that is changed. */
export const P = 0

export async function goodHistory(): Promise<GoodHistory> {
  const nodes = [['sequencer', 'dre', 'relayer'] as const]
  const only = { workloads: ['tokens'] as const, archive: NO_ARCHIVE }
  const changes = { ...only, seconds: 6, partitions: 2, nodes, eventSeconds: 0, standbys: 0 }
  const tape = await record(4, { ...changes, messagesPerSecond: 30 })
  return new GoodHistory(tape, await play(tape))
}

export class GoodHistory {
  readonly tape: Tape
  readonly played: Played

  constructor(tape: Tape, played: Played) {
    this.tape = tape
    this.played = played
  }

  get network(): Network {
    return this.tape.network
  }

  get known(): Known {
    return this.played.known
  }

  get partition(): KnownPartition {
    return this.known.partition(P)
  }

  /** The height of the newest accepted entry. */
  get height(): number {
    return this.partition.entries.length - 1
  }

  get results(): readonly Result[] {
    return this.partition.results
  }

  /** The newest entry of a wallet. */
  get signed(): Entry {
    return newest(this.known, P, ({ message }) => message.from === 'wallet')
  }

  /** The newest entry of a process. */
  get relayed(): Entry {
    return newest(this.known, P, ({ message }) => message.from === 'process')
  }

  /** The partition that it is from. */
  get source(): number {
    return this.relayed.message.origin?.partition as number
  }

  /** How many messages of that partition are accepted. */
  get counter(): number {
    return this.partition.view.counters[this.source] as number
  }

  /** Where the newest happening is for which it holds: there must be one. */
  find(isSo: (happening: Happening) => boolean): number {
    const at = this.tape.happenings.findLastIndex(isSo)
    if (at < 0) throw new Error('the history has no such happening')
    return at
  }

  appended(at: number): Appended {
    return this.tape.happenings[at] as Appended
  }

  /** The message of an accepted entry, as its record holds it. */
  messageAt(height: number): EntryRecord['message'] {
    const offset = this.partition.offsets[height]
    const at = this.find((each) => isIn('hb.log')(each) && isAt(each, offset))
    return entryOfRecord(this.appended(at)).message
  }

  /** The newest relayed message, changed. */
  relay(change: { readonly seq?: number; readonly data?: Buffer }): EntryRecord['message'] {
    const message = this.messageAt(this.relayed.height)
    if (message.type !== 'relayed') throw new Error('is no relayed message')
    return { type: 'relayed', relayed: { ...message.relayed, ...change } }
  }

  followed(...more: readonly Happening[]): Tape {
    return followed(this.tape, ...more)
  }

  inLog(value: Uint8Array): Tape {
    return this.followed(appendedTo(this.tape, 'hb.log', P, value))
  }

  /** A message at the end of the log, in an entry that extends its chain. */
  asNext(message: EntryRecord['message'], rest: Partial<EntryRecord> = {}): Tape {
    return this.inLog(next(this.known, P, message, rest))
  }

  /** The newest run for which it holds, changed, and nothing behind it. */
  lastRun(isSo: (run: Run) => boolean, change: (result: Result) => Result): Tape {
    const at = this.find((each) => isIn('hb.outbox')(each) && isSo(runOfRecord(each as Appended)))
    const run = withRun(this.appended(at), (of) => ({ ...of, results: of.results.map(change) }))
    return cut(this.tape, at, run)
  }

  /** A wallet's message that nobody ordered, without an expiry. */
  unplaced(): Appended {
    const message = this.messageAt(this.signed.height)
    if (message.type !== 'signed') throw new Error('is no signed message')
    const { process: target } = signedMessage(this.network, message.item)
    const item = signedItem(this.network, ed25519Key(), { target })
    return appendedTo(this.tape, 'hb.ingress', P, RECORDS.encodeIngress({ type: 'signed', item }))
  }

  refused({ record }: Appended, code: ErrorCode): Appended {
    const letter = deadLetterOf('hb.ingress', P, record, new HbError(code))
    return appendedTo(this.tape, 'hb.deadletters', 0, letter.value, letter)
  }

  /** A wallet's message with an expiry, ms, and its refusal. */
  expired(expires: number): Appended[] {
    const tags = [{ name: 'HB-Expires', value: String(expires) }]
    const item = signedItem(this.network, ed25519Key(), { tags })
    const value = RECORDS.encodeIngress({ type: 'signed', item })
    const record = appendedTo(this.tape, 'hb.ingress', P, value)
    return [record, this.refused(record, 'expired')]
  }
}

/** A record of a topic. */
export const isIn = (topic: string) => (happening: Happening) => isAppended(happening, topic, P)

export function isEntry(happening: Happening): boolean {
  if (!isIn('hb.log')(happening)) return false
  return RECORDS.isEntry((happening as Appended).record.value as Buffer)
}

export function isAt(happening: Happening, offset: number | undefined): boolean {
  return (happening as Appended).record.offset === offset
}

/** Whether a run has messages that a relayer must take elsewhere. */
export function sends({ results }: Run): boolean {
  return results.some(({ messages }) => messages.some(({ kind }) => kind !== 'event'))
}

export function told(status: MessageStatus): Happening {
  return { type: 'status', node: 'node-0.0', status }
}

export function commit(group: string, topic: string, to: number): Happening {
  return { type: 'committed', group, topic, partition: P, next: to }
}

export function trim(topic: string, start: number): Happening {
  return { type: 'trimmed', topic, partition: P, start }
}
