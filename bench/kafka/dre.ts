// Log → results: a node with the DRE alone starts on a log that is there, its outbox and its local
// store empty. Timed from the first batch that the DRE is given to the last append to the outbox.
// Floor: plain kafkajs, one client, reading the same log and writing the same bytes.

import type { Log } from '../../src/log/port.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { PARTITIONS } from '../bench-node.ts'
import type { ProcessorUs } from '../processor.ts'
import { addedUs, perMessage, startProcessorTime } from '../processor.ts'
import type { BenchReport } from '../rows.ts'
import { median, row, spread } from '../rows.ts'
import { plainTopic } from '../stages.ts'
import { watchLog } from '../watched-log.ts'
import { openBareClient } from './bare-client.ts'
import { provision, run } from './bare-kafka.ts'
import type { KafkaBench } from './broker.ts'
import { until, within } from './deadline.ts'
import { openBenchLog, openKafkaNode } from './kafka-node.ts'
import type { MadeLog } from './made-log.ts'
import { copyLog } from './made-log.ts'
import type { Shape } from './shapes.ts'

/** With so long no append behind it, the last one was the last. */
const QUIET_MS = 300
/** Of the floor's records: as many as a member of ours is given at once. */
const RUN_ENTRIES = 500

type Round = { readonly perSecond: number; readonly us: ProcessorUs; readonly shape: Shape }

/** Row `kafka.dre.throughput`. */
export async function benchKafkaDre(bench: KafkaBench, made: MadeLog): Promise<BenchReport> {
  const rounds: Round[] = []
  const floors: number[] = []
  for (let round = 0; round < bench.plan.rounds; round++) {
    const applicationId = bench.freshId()
    const log = await openBenchLog(bench)
    await copyLog(log, made.applicationId, applicationId)
    const measured = await evaluateAll(bench, made, applicationId)
    rounds.push(measured)
    const results = await countResults(log, topicNames(applicationId).outbox)
    if (results !== made.entries) throw new Error(`${results} results of ${made.entries} entries`)
    await log.close()
    await bench.removeTopics(applicationId)
    floors.push(await bareHop(bench, made, measured.shape))
  }
  const values = rounds.map(({ perSecond }) => perSecond)
  const us = perMessage(addedUs(rounds.map((each) => each.us)), made.entries * rounds.length)
  return {
    rows: [row('kafka.dre.throughput', 'entries/s', median(values), median(floors))],
    doesNotMeasure:
      'contracts that do more than count; states that do not fit into memory; who else reads and ' +
      'writes at the broker. The node runs as long as it takes to join before the clock starts',
    observed: [
      `${made.entries} entries of ${made.processes} processes in ${PARTITIONS} partitions: ` +
        `${spread(values)} entries/s; bare kafkajs, reading and writing: ${spread(floors)}`,
      `processor time an entry: ${us}`,
    ],
  }
}

async function evaluateAll(
  bench: KafkaBench,
  { network, entries }: MadeLog,
  applicationId: string,
): Promise<Round> {
  const begun: { at?: number; time?: ReturnType<typeof startProcessorTime> } = {}
  const written = { appends: 0, bytes: 0, at: 0, us: { main: 0, all: 0, kernel: 0 } }
  let shape: Omit<Shape, 'valueBytes'> = { key: '', headers: undefined }
  const first = (): void => {
    begun.at ??= performance.now()
    begun.time ??= startProcessorTime()
  }
  const watch = (log: Log): Log => ({
    ...watchLog(log, ({ topic, durable }, records) => {
      if (plainTopic(topic) !== 'outbox') return
      written.appends += 1
      written.at = durable
      if (begun.time !== undefined) written.us = begun.time.us()
      for (const { key, headers, value } of records) {
        shape = { key: key ?? '', headers }
        written.bytes += value?.length ?? 0
      }
    }),
    join: (options) => {
      const { member } = options
      const records: typeof member.records = (batch) => {
        first()
        return member.records(batch)
      }
      return log.join({ ...options, member: { ...member, records } })
    },
  })
  const node = await openKafkaNode(bench, { network, applicationId, roles: ['dre'], watch })
  await until('all evaluated', () => {
    const isEvaluated = (node.dre?.figures.entries ?? 0) >= entries
    return isEvaluated && performance.now() - written.at > QUIET_MS
  })
  await node.close()
  const perSecond = (entries * 1_000) / (written.at - (begun.at ?? NaN))
  const valueBytes = Math.round(written.bytes / entries)
  return { perSecond, us: written.us, shape: { ...shape, valueBytes } }
}

/** Each once, without gap: what is counted is the next height. */
async function countResults(log: Log, outbox: string): Promise<number> {
  const codec = new Records()
  let count = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let next = 0
    for (let at = 0; ;) {
      const read = await log.read(outbox, partition, at)
      if (read.records.length === 0) break
      for (const { value } of read.records) {
        const { from, results } = codec.decodeRun(asBuffer(value ?? Buffer.alloc(0)))
        if (from !== next) throw new Error(`partition ${partition}: ${from} after ${next}`)
        next += results.length
      }
      at = read.next
    }
    count += next
  }
  return count
}

/** One hop: what each fetch brought goes to the outbox as one record of as many bytes. */
async function bareHop(bench: KafkaBench, made: MadeLog, shape: Shape): Promise<number> {
  const id = bench.freshId()
  await provision(bench, id)
  const place = { bootstrapServers: bench.bootstrapServers, partitions: PARTITIONS }
  const client = await openBareClient(place, id)
  let handled = 0
  const done = Promise.withResolvers<number>()
  const { log } = topicNames(made.applicationId)
  const begun = await client.consume(log, async (partition, records) => {
    for (let at = 0; at < records.length; at += RUN_ENTRIES) {
      const numbers = records.slice(at, at + RUN_ENTRIES).map((_, index) => index)
      await client.send(topicNames(id).outbox, partition, [run(shape, numbers)])
    }
    handled += records.length
    if (handled >= made.records) done.resolve(performance.now())
  })
  const ms = (await within('all handed on', done.promise)) - begun
  await client.close()
  await bench.removeTopics(id)
  return (made.records * 1_000) / ms
}
