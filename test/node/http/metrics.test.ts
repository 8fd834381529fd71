// GET /metrics of a real node: what was done is what is counted.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { makeGenesis, openNetwork } from '../../../src/protocol/genesis.ts'
import type { Tag } from '../../../src/protocol/message.ts'
import { SANDBOX } from '../../../src/runtime/index.ts'
import { ed25519Key, signedItem } from '../../protocol/fixtures.ts'
import { MetricsRig, parseExposition } from '../metrics-rig.ts'
import { TOPICS } from '../rig.ts'

const SOURCE = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  if (action.tags['Fail']) throw new Error('as asked')
  if (action.tags['Send-To']) return { messages: [{ target: action.tags['Send-To'], data: 'on' }] }
}
`
const network = openNetwork(
  makeGenesis({
    name: 'metrics',
    salt: 'm',
    partitions: 2,
    sandbox: SANDBOX,
    processes: ['one', 'two'].map((name) => ({ name, engine: 'quickjs', source: SOURCE, state: {} })),
  }),
)
const one = network.processIds.get('one') as string
const two = network.processIds.get('two') as string
const key = ed25519Key()
const item = (data: string, tags: readonly Tag[] = []): Buffer =>
  signedItem(network, key, { target: one, tags, data })

let rig: MetricsRig
beforeEach(async () => {
  rig = await MetricsRig.open(network, { limits: { metrics: { lagIntervalMs: 0 } } })
})
afterEach(() => rig.close())

async function post(body: Buffer, query = ''): Promise<number> {
  const headers = { 'content-type': 'application/octet-stream' }
  const init = { method: 'POST', body: new Uint8Array(body), headers }
  const response = await fetch(`${rig.http.url}/messages${query}`, init)
  await response.text()
  return response.status
}

test('what came in, was ordered, evaluated and relayed is counted, role by role', async () => {
  const sent = item('on', [{ name: 'Send-To', value: two }])
  const failing = item('no', [{ name: 'Fail', value: 'yes' }])
  expect(await post(sent, '?wait=result')).toBe(200)
  expect(await post(failing, '?wait=result')).toBe(200)
  expect(await post(sent, '?wait=sequenced')).toBe(200)
  expect(await post(Buffer.from('no item at all'))).toBe(400)
  // 2 spawns, 2 of the wallet, 1 of a process
  const { value, families } = await rig.until(
    ({ value }) => value('hb_dre_entries_total') === 5 && value('hb_dre_results_total') === 5,
  )
  expect(value('hb_door_messages_accepted_total')).toBe(3)
  expect(value('hb_door_accepted_bytes_total')).toBe(2 * sent.length + failing.length)
  const refused = [...(families.get('hb_door_messages_refused_total')?.samples ?? [])]
  expect(refused.map(([, count]) => count)).toEqual([1])
  expect(value('hb_sequencer_entries_total')).toBe(5)
  expect(value('hb_sequencer_duplicates_total')).toBe(1)
  expect(value('hb_sequencer_dead_letters_total')).toBe(0)
  expect(value('hb_sequencer_claims_total')).toBe(2)
  expect(value('hb_dre_errors_total')).toBe(1)
  expect(value('hb_dre_gas_total')).toBeGreaterThan(0)
  expect(value('hb_dre_instances_open')).toBe(2)
  expect(value('hb_relayer_relayed_total')).toBe(1)
  expect(value('hb_node_ready')).toBe(1)
  expect(value('hb_node_partitions{role="dre",state="open"}')).toBe(2)
  // what the door appended, to the byte; relayed messages are the relayer's
  const door = `{role="door",topic="${TOPICS.ingress}"}`
  expect(value(`hb_log_written_records_total${door}`)).toBe(3)
  expect(value(`hb_log_written_bytes_total${door}`)).toBeGreaterThan(2 * sent.length)
  const relayer = `{role="relayer",topic="${TOPICS.ingress}"}`
  expect(value(`hb_log_written_records_total${relayer}`)).toBe(1)
  expect(value(`hb_http_requests_total{route="/messages",status="200"}`)).toBe(3)
  expect(value(`hb_http_requests_total{route="/messages",status="400"}`)).toBe(1)
})

test('latencies are observed once per message of each leg', async () => {
  for (let n = 0; n < 5; n++) await post(item(`n${n}`, [{ name: 'Send-To', value: two }]))
  const { value, families } = await rig.until(({ value }) => value('hb_dre_results_total') === 12)
  expect(value('hb_door_submit_duration_seconds_count')).toBe(5)
  // genesis came in no record of ingress
  expect(value('hb_sequencer_settle_duration_seconds_count')).toBe(10)
  expect(value('hb_dre_publish_duration_seconds_count')).toBe(12)
  expect(value('hb_relayer_relay_duration_seconds_count')).toBeGreaterThan(0)
  for (const [name, { type, samples }] of families) {
    if (type !== 'histogram' || !name.startsWith('hb_')) continue
    const counts = [...samples].filter(([sample]) => sample.startsWith(`${name}_count`))
    for (const [sample, count] of counts) {
      const labels = sample.slice(`${name}_count`.length).replace(/^\{(.*)\}$/, '$1,')
      expect(samples.get(`${name}_bucket{${labels}le="+Inf"}`)).toBe(count)
    }
  }
})

test('lag is of the partitions that are here, and 0 when all is done', async () => {
  await post(item('x'), '?wait=result')
  const lagOf = (group: string, topic: string): string =>
    `kafka_consumergroup_lag{consumergroup="hb.${group}",topic="${topic}"`
  const { families } = await rig.until(({ families }) => {
    const lags = [...(families.get('kafka_consumergroup_lag')?.samples.values() ?? [])]
    return lags.length === 6 && lags.every((lag) => lag === 0)
  })
  const names = [...(families.get('kafka_consumergroup_lag')?.samples.keys() ?? [])]
  for (const [group, topic] of [
    ['sequencer', TOPICS.ingress],
    ['dre', TOPICS.log],
    ['relayer', TOPICS.outbox],
  ] as const) {
    expect(names.filter((name) => name.startsWith(lagOf(group, topic)))).toHaveLength(2)
  }
})

test('the OS process is there under the names that dashboards for Node know', async () => {
  await rig.scrape()
  const { value } = await rig.scrape()
  expect(value('process_cpu_seconds_total')).toBeGreaterThan(0)
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
})

test('a request cannot make labels: an unknown path is no route of its own', async () => {
  for (const path of ['/nothing', '/other', '/metrics?x=1']) {
    await (await fetch(`${rig.http.url}${path}`)).text()
  }
  const { families } = await rig.scrape()
  const names = [...(families.get('hb_http_requests_total')?.samples.keys() ?? [])]
  expect(names.sort()).toEqual([
    'hb_http_requests_total{route="/metrics",status="200"}',
    'hb_http_requests_total{route="none",status="404"}',
  ])
})

test('the parser of these tests refuses what is not the format', () => {
  const family = '# HELP a b\n# TYPE a counter\n'
  expect(parseExposition(`${family}a{x="1\\"2"} 3\n`).get('a')?.samples.size).toBe(1)
  for (const bad of ['a 1', 'a 1\na 1\n', `${family}b 1\n`, `${family}a x\n`, `${family}${family}`]) {
    expect(() => parseExposition(bad)).toThrow()
  }
})
