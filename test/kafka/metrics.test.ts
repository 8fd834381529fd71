// Metrics, readiness and traces of a node on a broker: what it shows of its groups is what the
// broker says, and a trace goes its whole way through record headers.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { MetricsRig } from '../node/metrics-rig.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

const SOURCE = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  if (action.tags['Send-To']) return { messages: [{ target: action.tags['Send-To'], data: 'on' }] }
}
`
const network = openNetwork(
  makeGenesis({
    name: 'metrics on a broker',
    salt: 'k',
    partitions: 2,
    sandbox: SANDBOX,
    processes: ['a', 'b'].map((name) => ({ name, engine: 'quickjs', source: SOURCE, state: {} })),
  }),
)
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const TRACE = { parent: TRACEPARENT, state: 'vendor=a,other@tenant=b' }
const MESSAGES = 10

describeKafka('a node on a broker', () => {
  const applicationId = `metrics-${Math.floor(performance.now() * 1_000)}-${process.pid}`
  const topics = topicNames(applicationId)
  let rig: MetricsRig
  beforeAll(async () => {
    const { bootstrapServers } = await sharedKafka()
    const log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    const limits = { metrics: { lagIntervalMs: 0 } }
    rig = await MetricsRig.open(network, { applicationId, limits }, log)
    await rig.until(({ value }) => value('hb_node_ready') === 1, 30_000)
  }, 120_000)
  afterAll(() => rig.close())

  test('its lag is the broker’s, down to none; a trace is on every record of its way', async () => {
    const [a, b] = ['a', 'b'].map((name) => network.processIds.get(name) as string)
    const key = ed25519Key()
    for (let n = 0; n < MESSAGES; n++) {
      const tags = [{ name: 'Send-To', value: b as string }]
      const item = signedItem(network, key, { target: a as string, tags, data: `n${n}` })
      await rig.node.api.submit([item], n === 0 ? TRACE : undefined)
    }
    const { families, value } = await rig.until(({ families, value }) => {
      const lags = [...(families.get('kafka_consumergroup_lag')?.samples.values() ?? [])]
      const done = value('hb_dre_results_total') === 2 + 2 * MESSAGES
      return done && lags.length === 6 && lags.every((lag) => lag === 0)
    }, 30_000)
    expect(value('hb_relayer_relayed_total')).toBe(MESSAGES)
    expect(value('hb_node_lag_age_seconds')).toBeLessThan(5)
    const consumed = { sequencer: topics.ingress, dre: topics.log, relayer: topics.outbox }
    for (const [role, topic] of Object.entries(consumed)) {
      const group = `${applicationId}.${role}`
      const committed = await rig.log.committed(group, topic)
      const ends = await rig.log.ends(topic)
      for (const [partition, { start, end }] of ends.entries()) {
        const labels = `{consumergroup="${group}",topic="${topic}",partition="${partition}"}`
        const lag = families.get('kafka_consumergroup_lag')?.samples.get(
          `kafka_consumergroup_lag${labels}`,
        )
        expect([labels, lag]).toEqual([labels, end - Math.max(committed[partition] ?? start, start)])
      }
    }
    const traced: Record<string, number> = {}
    for (const topic of [topics.ingress, topics.log, topics.outbox]) {
      for (const partition of [0, 1]) {
        const { records } = await rig.log.read(topic, partition, 0)
        for (const record of records) {
          const text = record.header?.('traceparent') ?? record.header?.('hb-traceparents') ?? ''
          if (!text.endsWith(TRACEPARENT)) continue
          const state = record.header?.('tracestate') ?? record.header?.('hb-tracestates') ?? ''
          const told = decodeURIComponent(state.slice(state.indexOf(':') + 1))
          expect(told).toBe(TRACE.state)
          traced[topic] = (traced[topic] ?? 0) + 1
        }
      }
    }
    expect(traced).toEqual({ [topics.ingress]: 2, [topics.log]: 2, [topics.outbox]: 1 })
  }, 120_000)
})
