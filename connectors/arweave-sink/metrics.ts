// What a worker shows of its connectors at a scrape; docs/operating/metrics.md is generated from
// this table.
//
// Invariants: M1 a scrape waits for the log no longer than WAIT_MS; what was known then is shown.
// M2 lag is the group's: entries that are not in a durable segment count, whatever is under way.

import type { Clock, Log, MetricTable } from '../../src/index.ts'
import { lagOf } from '../../src/index.ts'
import type { Connector } from './connector.ts'
import type { PartitionFigures } from './figures.ts'

type Lag = {
  readonly consumergroup: string
  readonly topic: string
  readonly partition: number
  readonly records: number
}

export type SinkSource = {
  readonly connectors: readonly Connector[]
  readonly lags: readonly Lag[]
}

type Read = MetricTable<SinkSource>[string]['read']

/** Of each partition that a connector has or had here. */
function counted(of: (figures: PartitionFigures) => number): Read {
  return ({ connectors }) =>
    connectors.flatMap(({ name, figures }) =>
      [...figures.partitions].map(([partition, each]) => ({
        labels: { connector: name, partition },
        value: of(each),
      })),
    )
}

export const SINK_METRICS: MetricTable<SinkSource> = {
  hb_sink_connector_state: {
    type: 'gauge',
    help:
      "1 for the state that a connector is in: Kafka Connect's RUNNING, PAUSED, STOPPED, " +
      "FAILED, UNASSIGNED, RESTARTING.",
    labels: ['connector', 'state'],
    read: ({ connectors }) =>
      connectors.map((connector) => ({
        labels: { connector: connector.name, state: connector.shown().state },
        value: 1,
      })),
  },
  hb_sink_task_state: {
    type: 'gauge',
    help: 'The same of each task.',
    labels: ['connector', 'task', 'state'],
    read: ({ connectors }) =>
      connectors.flatMap((connector) =>
        connector.tasksShown().map(({ state }, task) => ({
          labels: { connector: connector.name, task, state },
          value: 1,
        })),
      ),
  },
  hb_sink_archived_height: {
    type: 'gauge',
    help:
      'The last height that is in a durable segment, of the partitions that tasks have here; ' +
      '-1: none.',
    labels: ['connector', 'partition'],
    read: ({ connectors }) =>
      connectors.flatMap((connector) =>
        [...connector.partitions()].map(([partition, { height }]) => ({
          labels: { connector: connector.name, partition },
          value: height,
        })),
      ),
  },
  hb_sink_segments_total: {
    type: 'counter',
    help: 'Segments that became durable.',
    labels: ['connector', 'partition'],
    read: counted(({ segments }) => segments),
  },
  hb_sink_entries_total: {
    type: 'counter',
    help: 'Entries in them.',
    labels: ['connector', 'partition'],
    read: counted(({ entries }) => entries),
  },
  hb_sink_bytes_total: {
    type: 'counter',
    help: 'Bytes of them, signed and with their order.',
    labels: ['connector', 'partition'],
    read: counted(({ bytes }) => bytes),
  },
  hb_sink_poison_records_total: {
    type: 'counter',
    help: 'Records of the log that are no entry, and were passed over.',
    labels: ['connector', 'partition'],
    read: counted(({ poison }) => poison),
  },
  hb_sink_retries_total: {
    type: 'counter',
    help: 'Tries that failed and are followed by another, by the code of the error.',
    labels: ['connector', 'partition', 'code'],
    read: ({ connectors }) =>
      connectors.flatMap(({ name, figures }) =>
        [...figures.partitions].flatMap(([partition, { retries }]) =>
          [...retries].map(([code, value]) => ({
            labels: { connector: name, partition, code },
            value,
          })),
        ),
      ),
  },
  kafka_consumergroup_lag: {
    type: 'gauge',
    help:
      "Records between a group's position and the topic's end, of the partitions that this " +
      "node has.",
    labels: ['consumergroup', 'topic', 'partition'],
    read: ({ lags }) =>
      lags.map(({ records, ...labels }) => ({ labels, value: records })),
  },
}

const WAIT_MS = 1_000

/** How far the groups of connectors lag, as last heard of the log. */
export class Lags {
  readonly #log: Log
  readonly #clock: Clock
  #known: readonly Lag[] = []
  #asking: Promise<void> | undefined

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  async read(connectors: readonly Connector[]): Promise<readonly Lag[]> {
    this.#asking ??= this.#ask(connectors).finally(() => (this.#asking = undefined))
    const answered = new AbortController()
    const asked = this.#asking.finally(() => answered.abort())
    await Promise.race([asked, this.#clock.sleep(WAIT_MS, answered.signal)])
    return this.#known
  }

  /** What the log does not answer stays as it was. */
  async #ask(connectors: readonly Connector[]): Promise<void> {
    const asked = await Promise.allSettled(connectors.map((each) => this.#lagsOf(each)))
    if (asked.some(({ status }) => status === 'rejected')) return
    this.#known = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  }

  async #lagsOf(connector: Connector): Promise<Lag[]> {
    const { group } = connector
    const { topic } = connector.config
    // positions first: they only grow, so that no lag is hidden by an end that is older
    const committed = await this.#log.committed(group, topic)
    const ends = await this.#log.ends(topic)
    return ends.flatMap((each, partition) => {
      if (!connector.partitions().has(partition)) return []
      const records = lagOf(each, committed[partition])
      return [{ consumergroup: group, topic, partition, records }]
    })
  }
}
