// How fast the crank turns on a broker: all roles in one node, beside plain kafkajs that does the
// same three hops (bare-kafka.ts). Rounds of the two alternate, each on fresh topics.
//
// A crank: ingress → sequencer → log → DRE → outbox → relayer → ingress. Counted where it ends:
// when the relayer's append to ingress is acknowledged.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Network } from '../../src/protocol/genesis.ts'
import { PARTITIONS, pingPongNetwork, serve } from '../bench-node.ts'
import type { ProcessorUs } from '../processor.ts'
import { addedUs, perMessage, startProcessorTime } from '../processor.ts'
import type { BenchReport } from '../rows.ts'
import { median, percentile, row, spread } from '../rows.ts'
import { gaps, plainTopic, stages } from '../stages.ts'
import type { Append } from '../watched-log.ts'
import { watchLog } from '../watched-log.ts'
import type { BareKafka } from './bare-kafka.ts'
import { openBareKafka } from './bare-kafka.ts'
import type { KafkaBench } from './broker.ts'
import { until } from './deadline.ts'
import type { KafkaNode } from './kafka-node.ts'
import { openKafkaNode } from './kafka-node.ts'
import type { Shapes } from './shapes.ts'
import { ShapesSeen } from './shapes.ts'

const NOT_MEASURED =
  'signatures (after the first serve none is checked), contracts that do more than count, ' +
  'several brokers and replicas, a network between node and broker, several nodes'

/** What all roles, or plain kafkajs, did in a round. */
type Rate = {
  readonly perSecond: number
  readonly messages: number
  readonly us: ProcessorUs
  readonly brokerUs: number | undefined
}

/** Row `kafka.crank.throughput`. */
export async function benchKafkaThroughput(bench: KafkaBench): Promise<BenchReport> {
  const { pairs, balls, rounds } = bench.plan
  const { network, first } = await pingPongNetwork(pairs)
  const targets = Array.from({ length: balls }, () => first).flat()
  const values: Rate[] = []
  const floors: Rate[] = []
  const busy: number[] = []
  const opened: number[] = []
  let seen = new ShapesSeen()
  const bareSeen = { appends: 0, records: 0 }
  for (let round = 0; round < rounds; round++) {
    seen = new ShapesSeen()
    const node = await openWatched(bench, network, (append, written) => seen.see(append, written))
    await serve(node, network, targets)
    const openedBefore = node.dre?.figures.opened ?? 0
    const loop = performance.eventLoopUtilization()
    values.push(await measure(bench, () => node.relayer?.figures.relayed ?? 0))
    busy.push(performance.eventLoopUtilization(loop).utilization)
    opened.push((node.dre?.figures.opened ?? 0) - openedBefore)
    await close(bench, node)
    const bare = await openBareKafka(bench, {
      shapes: seen.shapes(),
      balls: targets.length,
      told: ({ topic, records }) => {
        if (plainTopic(topic) !== 'log') return
        bareSeen.appends += 1
        bareSeen.records += records
      },
    })
    floors.push(await measure(bench, bare.turned))
    await bare.close()
  }
  const rate = (list: readonly Rate[]): number[] => list.map(({ perSecond }) => perSecond)
  return {
    rows: [
      row('kafka.crank.throughput', 'messages/s', median(rate(values)), median(rate(floors))),
    ],
    doesNotMeasure: NOT_MEASURED,
    observed: [
      `${pairs} pairs over ${PARTITIONS} partitions, ${balls} balls each: ` +
        `${spread(rate(values))} messages/s; bare kafkajs: ${spread(rate(floors))}`,
      `processor time a crank: ${processorOf(values)}`,
      `bare kafkajs: ${processorOf(floors)}`,
      `main thread busy ${spread(busy.map((each) => each * 100))} %; ${seen.perAppend()} ` +
        `(bare: log ${(bareSeen.records / bareSeen.appends).toFixed(1)})`,
      seen.sizes(),
      // more than the processes: some were closed as idle between two of their messages
      `instances opened while warm, of ${2 * pairs} processes: ${spread(opened)}`,
    ],
  }
}

/** Rows `kafka.crank.p50` and `kafka.crank.p99`. */
export async function benchKafkaLatency(bench: KafkaBench): Promise<BenchReport> {
  const { network, first } = await pingPongNetwork(1)
  const values: number[][] = []
  const floors: number[][] = []
  const appends: Append[] = []
  const bareAppends: Append[] = []
  let shapes: Shapes | undefined
  for (let round = 0; round < bench.plan.rounds; round++) {
    const seen = new ShapesSeen()
    const crank = new OneBall()
    const node = await openWatched(bench, network, (append, written) => {
      seen.see(append, written)
      crank.see(append)
    })
    await serve(node, network, first)
    values.push(await crank.turns(bench.plan.warmMs, bench.plan.cranks))
    appends.push(...crank.appends)
    await close(bench, node)
    shapes = seen.shapes()
    const bareCrank = new OneBall()
    const told = (append: Append): void => bareCrank.see(append)
    const bare: BareKafka = await openBareKafka(bench, { shapes, balls: 1, told })
    floors.push(await bareCrank.turns(bench.plan.warmMs, bench.plan.cranks))
    bareAppends.push(...bareCrank.appends)
    await bare.close()
  }
  return {
    rows: [
      row('kafka.crank.p50', 'ms', median(values.map(median)), median(floors.map(median))),
      row('kafka.crank.p99', 'ms', tail(values.flat()), tail(floors.flat())),
    ],
    doesNotMeasure: `anything else going on in the node; ${NOT_MEASURED}`,
    observed: [
      `rounds of ${bench.plan.cranks} cranks and more, medians: ${shownMedians(values)} ms; ` +
        `bare kafkajs: ${shownMedians(floors)} ms`,
      `p99: ${shownTails(values)} ms; bare kafkajs: ${shownTails(floors)} ms`,
      `medians: ${stages(appends)}`,
      `bare kafkajs: ${stages(bareAppends)}`,
    ],
  }
}

/** The appends of the only ball, in order. */
class OneBall {
  readonly appends: Append[] = []

  see(append: Append): void {
    const hop = plainTopic(append.topic)
    const isHop = hop === 'ingress' || hop === 'log' || hop === 'outbox'
    if (isHop && append.records === 1) this.appends.push(append)
  }

  /** Ms from one append to ingress to the next, after warming up. */
  async turns(warmMs: number, cranks: number): Promise<number[]> {
    await sleep(warmMs)
    this.appends.length = 0
    await until('enough cranks', () => this.appends.length >= 3 * (cranks + 1))
    const ends = this.appends.filter(({ topic }) => plainTopic(topic) === 'ingress')
    return gaps(ends.map(({ durable }) => durable))
  }
}

function openWatched(
  bench: KafkaBench,
  network: Network,
  told: Parameters<typeof watchLog>[1],
): Promise<KafkaNode> {
  const watch = (log: Parameters<typeof watchLog>[0]) => watchLog(log, told)
  return openKafkaNode(bench, { network, applicationId: bench.freshId(), watch })
}

async function close(bench: KafkaBench, node: KafkaNode): Promise<void> {
  await node.close()
  await bench.removeTopics(node.applicationId)
}

async function measure(bench: KafkaBench, count: () => number): Promise<Rate> {
  await sleep(bench.plan.warmMs)
  const before = count()
  const broker = bench.brokerUs()
  const time = startProcessorTime()
  const begun = performance.now()
  await sleep(bench.plan.roundMs)
  const messages = count() - before
  const us = time.us()
  const perSecond = (messages * 1_000) / (performance.now() - begun)
  const brokerUs = broker === undefined ? undefined : (bench.brokerUs() ?? 0) - broker
  return { perSecond, messages, us, brokerUs }
}

function processorOf(rates: readonly Rate[]): string {
  const messages = rates.reduce((sum, each) => sum + each.messages, 0)
  const own = perMessage(addedUs(rates.map(({ us }) => us)), messages)
  const broker = rates.reduce((sum, { brokerUs = NaN }) => sum + brokerUs, 0)
  return Number.isNaN(broker) ? own : `${own}; broker ${(broker / messages).toFixed(0)} µs`
}

function shownMedians(rounds: readonly number[][]): string {
  return spread(rounds.map(median), 2)
}

function shownTails(rounds: readonly number[][]): string {
  return spread(rounds.map(tail), 2)
}

function tail(values: readonly number[]): number {
  return percentile(values, 0.99)
}
