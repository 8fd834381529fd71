// Replays a partition, or one process of it, beside whatever is running, and compares what came of
// it with what was published and what is served.
//
// Invariants: R1 it joins no group, commits nothing and appends nothing. R2 it begins at a state
// that is known: at height 0, or at a manifest that checks. R3 what is evaluated, compared and kept
// at once is bounded, but for one row per process.

import type { Network } from '../protocol/genesis.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'
import type { Settled } from '../dre/index.ts'
import { readEntries, Rebuilder } from '../dre/index.ts'
import type { OutboxCompared } from './outbox-check.ts'
import { OutboxCheck } from './outbox-check.ts'
import type { Served, ServedCompared } from './served-check.ts'
import { ServedCheck, SlotHashes } from './served-check.ts'

/** Called now and then with records read and records in all. */
export type OnProgress = (done: number, total: number) => void

/** What every kind of replay is given. */
export type ReplaySource = {
  readonly network: Network
  readonly log: Log
  readonly applicationId: string
  readonly partition: number
  readonly onProgress?: OnProgress
  /** Ends it, with `interrupted`. */
  readonly signal?: AbortSignal
}

export type ReplayOptions = ReplaySource & {
  /** Fresh. */
  readonly evaluator: Evaluator
  /** Scratch: fresh, and of no use afterwards. */
  readonly store: Store
  /** This process alone. */
  readonly process?: string
  /** Heights, both inclusive. What lies before `from` is evaluated where it must be. */
  readonly from?: number
  readonly to?: number
  /** Compares with the outbox. */
  readonly verify?: boolean
  /** Compares with a node. */
  readonly served?: Served
}

export type ReplayedProcess = {
  readonly process: string
  readonly slot: number
  readonly stateHash: string
  readonly failed: boolean
}

export type Replayed = {
  readonly partition: number
  /** The state it began at: that of a manifest's height, or (genesis) none. */
  readonly began: { readonly at: 'genesis' | 'manifest'; readonly height: number }
  /** The last height that was read; −1: none. */
  readonly height: number
  readonly entries: number
  readonly superseded: number
  readonly processes: readonly ReplayedProcess[]
  readonly outbox?: OutboxCompared
  readonly served?: ServedCompared
}

/** Errors: `process-not-found`, `log-diverged`, `interrupted`, those of the log. */
export async function replayPartition(options: ReplayOptions): Promise<Replayed> {
  const { network, log, partition, process, from = 0, to = Infinity } = options
  const topics = topicNames(options.applicationId)
  const rebuilder = new Rebuilder({ ...options, topics })
  const accepts = (head: { height: number }): boolean => head.height < from
  const only = process === undefined ? {} : { process }
  const { view, next, restored } = await rebuilder.begin(
    from > 0 ? { accepts, ...only } : undefined,
  )
  const began = { at: restored ? ('manifest' as const) : ('genesis' as const), height: view.height }
  const { start, end } = await endsOf(log, topics.log, partition)
  const { records } = rebuilder
  const hashes = new SlotHashes(options.store)
  const outbox = options.verify === true ? openOutbox(options, rebuilder, topics.outbox) : undefined
  await outbox?.begin()
  const settle = async (settled: readonly Settled[]): Promise<void> => {
    const results = settled.map(({ result }) => result)
    if (options.served !== undefined) await hashes.note(results)
    for (const each of results) if (each.height >= from) await outbox?.compare(each)
  }
  let entries = 0
  let superseded = 0
  let height = view.height
  let under: Promise<void> = Promise.resolve()
  const reading = { network, log, topic: topics.log, partition, records, view, from: next, end }
  try {
    for await (const read of readEntries(reading)) {
      interruptible(options.signal)
      const within = read.entries.filter((each) => each.height <= to)
      const mine =
        process === undefined
          ? within
          : within.filter(({ message }) => message.process === process)
      if (process !== undefined) await rebuilder.notes(within)
      entries += mine.length
      superseded += read.superseded
      height = within.at(-1)?.height ?? height
      // one segment is evaluated while the next is read
      const before = under
      under = Promise.all([rebuilder.take(mine), before]).then(([settled]) => settle(settled))
      under.catch(() => undefined)
      await before
      options.onProgress?.(read.next - start, end - start)
      if (view.height >= to) break
    }
    await under
    const rows = [...rebuilder.ledger.rows.values()]
    if (process !== undefined && rows.length === 0) throw new HbError('process-not-found', process)
    const processes = rows.map(
      (row): ReplayedProcess => ({
        process: row.process,
        slot: row.settledSlot,
        stateHash: toBase64Url(row.stateHash),
        failed: row.failed,
      }),
    )
    const served = await compareServed(options, rebuilder, hashes)
    const compared = { ...(outbox && { outbox: outbox.result }), ...(served && { served }) }
    return { partition, began, height, entries, superseded, processes, ...compared }
  } finally {
    await rebuilder.close()
  }
}

/** Throws `interrupted`. */
export function interruptible(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new HbError('interrupted')
}

function openOutbox(
  { log, partition, process }: ReplayOptions,
  { records }: Rebuilder,
  topic: string,
): OutboxCheck {
  return new OutboxCheck(log, topic, partition, records, process === undefined)
}

async function compareServed(
  { served, signal }: ReplayOptions,
  rebuilder: Rebuilder,
  hashes: SlotHashes,
): Promise<ServedCompared | undefined> {
  if (served === undefined) return undefined
  const check = new ServedCheck(served, hashes)
  for (const process of rebuilder.ledger.rows.keys()) {
    interruptible(signal)
    const own = rebuilder.state(process)
    if (own !== undefined) await check.compare(process, own)
  }
  return check.result
}

