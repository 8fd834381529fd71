// What is gathered when a run has ended: all records of its topics, and a fresh evaluation of its
// log, copied to other offsets (nothing that is hashed may depend on them).

import { rebuild } from '../../src/dre/index.ts'
import { ProcessStore } from '../../src/dre/process-store.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log, LogRecord, StoredRecord } from '../../src/log/port.ts'
import { openEvaluator } from '../../src/node/index.ts'
import type { Changes, JsonObject } from '../../src/protocol/changes.ts'
import { applyChanges } from '../../src/protocol/changes.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import type { Result } from '../../src/protocol/result.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { parseJson } from '../../src/std/json-text.ts'
import type { Evaluator } from '../../src/runtime/evaluator/port.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { EvaluatedPartition, PartitionRecords } from './checker/index.ts'

export type Topics = {
  readonly partitions: readonly PartitionRecords[]
  readonly deadletters: readonly StoredRecord[]
}

const READ_BYTES = 4 * 1024 * 1024

/** Everything that is retained now. Values are copied: none keeps a fetch's buffer alive. */
export async function readTopics(
  log: Log,
  network: Network,
  applicationId = 'hb',
): Promise<Topics> {
  const topics = topicNames(applicationId)
  const partitions: PartitionRecords[] = []
  for (let partition = 0; partition < network.genesis.partitions; partition++) {
    partitions.push({
      log: await readPartition(log, topics.log, partition),
      ingress: await readPartition(log, topics.ingress, partition),
      outbox: await readPartition(log, topics.outbox, partition),
    })
  }
  return { partitions, deadletters: await readPartition(log, topics.deadletters, 0) }
}

export async function readPartition(
  log: Log,
  topic: string,
  partition: number,
): Promise<StoredRecord[]> {
  const ends = (await log.ends(topic))[partition] ?? { start: 0, end: 0 }
  const records: StoredRecord[] = []
  for (let from = ends.start; from < ends.end;) {
    const options = { to: ends.end, bytesMax: READ_BYTES, waitMs: 1_000 }
    const read = await log.read(topic, partition, from, options)
    for (const { offset, timestamp, key, value, headers } of read.records) {
      // field by field: an adapter's record may read some of its own only when asked
      const record = { offset, timestamp, key, value: value && Buffer.from(value) }
      records.push(headers === undefined ? record : { ...record, headers })
    }
    if (read.next === from) throw new Error(`${topic} ${partition} ends at ${from}, not where told`)
    from = read.next
  }
  return records
}

const COPY_RECORDS = 500

/** A copy of each partition's log, 3, 4, 5, … records further on, evaluated from nothing. */
export async function evaluateAfresh(
  network: Network,
  partitions: readonly Pick<PartitionRecords, 'log'>[],
  workers = 0,
): Promise<EvaluatedPartition[]> {
  const log = createMemoryLog()
  const topic = topicNames('hb').log
  await log.provision([{ name: topic, partitions: partitions.length, cleanup: 'log' }])
  const evaluator = await openEvaluator(network, workers)
  const evaluated: EvaluatedPartition[] = []
  try {
    for (const [partition, { log: original }] of partitions.entries()) {
      const padding = Array.from({ length: 3 + partition }, (): LogRecord => {
        return { key: null, value: Buffer.from('padding') }
      })
      const records = [...padding, ...original.map(({ key, value }) => ({ key, value }))]
      for (let at = 0; at < records.length; at += COPY_RECORDS) {
        await log.append(topic, partition, records.slice(at, at + COPY_RECORDS))
      }
    }
    // with all logs there: a spawn by hash may name what only another partition's log carries
    for (const partition of partitions.keys()) {
      evaluated.push(await evaluatePartition(network, log, partition, evaluator))
    }
  } finally {
    await evaluator.close()
    await log.close()
  }
  return evaluated
}

async function evaluatePartition(
  network: Network,
  log: Log,
  partition: number,
  evaluator: Evaluator,
): Promise<EvaluatedPartition> {
  const store = createMemoryStore()
  const results: Result[] = []
  const onResult = ({ result }: { readonly result: Result }): void => void results.push(result)
  const options = { network, log, partition, evaluator, store, onResult }
  const { processes } = await rebuild(options)
  const kept = new ProcessStore(store, new Records(), partition)
  const states = new Map<string, string>()
  for (const { process } of processes) {
    const saved = kept.state(process)
    if (saved === undefined) continue
    let state = parseJson(saved.snapshot) as JsonObject
    for (const changes of saved.changes) state = applyChanges(state, parseJson(changes) as Changes)
    states.set(process, saved.changes.length === 0 ? saved.snapshot : JSON.stringify(state))
  }
  return { results, states }
}
