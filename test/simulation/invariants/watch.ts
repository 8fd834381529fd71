// What an invariant is while a run lasts: a watcher that hears of each thing that happens, in the
// instant in which it does, and tells of what may not be.
// Invariant: a watcher plans nothing and draws nothing, so that a watched run has the same trace.

import type { StoredRecord } from '../../../src/log/port.ts'
import type { MessageStatus, NodeHealth, ProcessView } from '../../../src/node/index.ts'
import type { StateView } from '../../../src/node/index.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Head } from '../../../src/protocol/records.ts'
import type { Result, Run } from '../../../src/protocol/result.ts'
import type { Tell } from '../../chaos/checker/index.ts'
import type { Situation } from '../situations.ts'
import type { Known } from './known.ts'

/** What the watchers are fed with. */
export type Happening =
  | ({ readonly type: 'appended'; readonly record: StoredRecord } & TopicPartition)
  | ({ readonly type: 'committed' } & CommitFact)
  | ({ readonly type: 'trimmed' } & TrimFact)
  | { readonly type: 'status'; readonly node: string; readonly status: MessageStatus }
  | { readonly type: 'state'; readonly node: string; readonly state: StateView }
  | { readonly type: 'process'; readonly node: string; readonly process: ProcessView }
  | { readonly type: 'health'; readonly node: string; readonly health: NodeHealth }
  | ({ readonly type: 'high' } & HighFact)

export type TopicPartition = { readonly topic: string; readonly partition: number }

/** A record of the log, judged by the project's own judge (`readRecord`). */
export type LogFact = { readonly partition: number; readonly offset: number } & (
  | { readonly type: 'entry'; readonly entry: Entry }
  | {
      readonly type: 'superseded'
      readonly why: string
      /** Where its bytes are an entry's. */
      readonly entry: Entry | undefined
    }
  | { readonly type: 'claim' }
  /** A reader would halt here. */
  | { readonly type: 'unreadable'; readonly why: string }
)

/** A record of the outbox; no run: it does not decode. */
export type RunFact = {
  readonly partition: number
  readonly offset: number
  readonly run: Run | undefined
  /** Results of heights that had none yet. */
  readonly fresh: readonly Result[]
}

/** A dead letter of ingress: the record that was refused, and its place there. */
export type LetterFact = {
  readonly partition: number
  readonly offset: number
  readonly code: string
  readonly value: Uint8Array | null
}

export type CommitFact = TopicPartition & { readonly group: string; readonly next: number }

/** What lies below `start` is gone. */
export type TrimFact = TopicPartition & { readonly start: number }

/** Of a host: the most that there ever was of something that is bounded. */
export type HighFact = { readonly host: string; readonly gauge: string; readonly value: number }

export type Watcher = {
  /** After `Known` has taken it in, as all that follows. */
  log?(fact: LogFact): void
  run?(fact: RunFact): void
  committed?(fact: CommitFact): void
  trimmed?(fact: TrimFact): void
  letter?(fact: LetterFact): void
  /** A partition's head, or the head of a manifest, was published. */
  head?(head: Head): void
  /** A node gave this as an answer. */
  status?(node: string, status: MessageStatus): void
  state?(node: string, state: StateView): void
  process?(node: string, process: ProcessView): void
  /** Of one that lives and is not frozen. */
  health?(node: string, health: NodeHealth): void
  high?(fact: HighFact): void
}

export type Saw = (situation: Situation) => void

export type Invariant = (known: Known, tell: Tell, saw: Saw) => Watcher
