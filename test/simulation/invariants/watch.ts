// What an invariant is while a run lasts: a watcher that hears of each thing that happens, in the
// instant in which it does, and tells of what may not be.
// Invariant: a watcher plans nothing and draws nothing, so that a watched run has the same trace.

import type { MessageStatus, NodeApi, ProcessView, StateView } from '../../../src/node/index.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Head } from '../../../src/protocol/records.ts'
import type { Result, Run } from '../../../src/protocol/result.ts'
import type { Tell } from '../../chaos/checker/index.ts'
import type { Known } from './known.ts'

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

export type CommitFact = {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly next: number
}

/** What lies below `start` is gone. */
export type TrimFact = {
  readonly topic: string
  readonly partition: number
  readonly start: number
}

/** A node that lives and is not frozen, looked at now and then. */
export type SeenNode = {
  readonly name: string
  readonly health: ReturnType<NodeApi['health']>
}

export type Watcher = {
  /** After `Known` has taken it in, as all that follows. */
  log?(fact: LogFact): void
  run?(fact: RunFact): void
  committed?(fact: CommitFact): void
  trimmed?(fact: TrimFact): void
  /** A partition's head, or the head of a manifest, was published. */
  head?(head: Head): void
  /** A node gave this as an answer. */
  status?(node: string, status: MessageStatus): void
  state?(node: string, state: StateView): void
  process?(node: string, process: ProcessView): void
  node?(node: SeenNode): void
  /** Of a host: the most that there ever was of something that is bounded. */
  high?(host: string, gauge: string, value: number): void
}

export type Invariant = (known: Known, tell: Tell, saw: (situation: string) => void) => Watcher
