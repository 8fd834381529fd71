// One trace over a whole crank: a wallet's message at the door of a real node, process A, and what A
// sends to process B. Seen by a tracer that keeps spans in memory, and by the headers alone where
// there is none.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { StoredRecord } from '../../src/log/port.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Tag } from '../../src/protocol/message.ts'
import { topicSpecs } from '../../src/protocol/topics.ts'
import { rebuild } from '../../src/dre/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { openEvaluator } from '../../src/node/index.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { MetricsRig } from './metrics-rig.ts'
import { TOPICS } from './rig.ts'

const SOURCE = `
exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  if (action.tags['Fail']) throw new Error('as asked')
  if (action.tags['Send-To']) return { messages: [{ target: action.tags['Send-To'], data: 'on' }] }
}
`
const network = openNetwork(
  makeGenesis({
    name: 'tracing',
    salt: 't',
    partitions: 2,
    sandbox: SANDBOX,
    processes: ['a', 'b'].map((name) => ({ name, engine: 'quickjs', source: SOURCE, state: {} })),
  }),
)
const a = network.processIds.get('a') as string
const b = network.processIds.get('b') as string
const key = ed25519Key()
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`
const TRACESTATE = 'congo=t61rcWkgMzE,tenant@rojo=00f067aa 0ba902b7'

let rig: MetricsRig
let exported: InMemorySpanExporter
beforeEach(async () => {
  exported = new InMemorySpanExporter()
  rig = await MetricsRig.open(network)
})
afterEach(async () => {
  trace.disable()
  await rig.close()
})

function register(): void {
  const spanProcessors = [new SimpleSpanProcessor(exported)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
}

async function post(
  tags: readonly Tag[],
  headers: Record<string, string>,
  data = 'x',
): Promise<void> {
  const body = new Uint8Array(signedItem(network, key, { target: a, tags, data }))
  const type = { 'content-type': 'application/octet-stream' }
  const init = { method: 'POST', body, headers: { ...type, ...headers } }
  const response = await fetch(`${rig.http.url}/messages?wait=result`, init)
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
}

/** All of them, once what was sent on is evaluated, too. */
async function spans(evaluated: number): Promise<ReadableSpan[]> {
  const done = () =>
    exported.getFinishedSpans().filter(({ name }) => name === 'hb.evaluate').length >= evaluated
  for (const deadline = Date.now() + 5_000; !done(); ) {
    if (Date.now() > deadline) throw new Error('not in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return exported.getFinishedSpans()
}

async function recordsOf(topic: string): Promise<StoredRecord[]> {
  const all = await Promise.all([0, 1].map((partition) => rig.log.read(topic, partition, 0)))
  return all.flatMap(({ records }) => [...records])
}

const SEND: Tag[] = [{ name: 'Send-To', value: b }]

test('a wallet’s message, process A and process B are one trace, each leg a child of the one before', async () => {
  register()
  await post(SEND, { traceparent: TRACEPARENT, tracestate: TRACESTATE })
  const all = await spans(2)
  const way = ['hb.submit', 'hb.sequence', 'hb.evaluate', 'hb.relay', 'hb.sequence', 'hb.evaluate']
  expect(all.map(({ name }) => name).sort()).toEqual([...way].sort())
  expect(new Set(all.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]))
  const states = all.map((span) => span.spanContext().traceState?.serialize())
  expect(new Set(states)).toEqual(new Set([TRACESTATE]))
  // from the sender's own span down to the end, in this order
  let parent = 'b7ad6b7169203331'
  const names: string[] = []
  for (;;) {
    const children = all.filter((span) => span.parentSpanContext?.spanId === parent)
    if (children.length === 0) break
    expect(children).toHaveLength(1)
    const [child] = children as [ReadableSpan]
    names.push(child.name)
    parent = child.spanContext().spanId
  }
  expect(names).toEqual(way)
  const processes = all.filter(({ name }) => name === 'hb.evaluate')
  expect(processes.map(({ attributes }) => attributes['hb.process']).sort()).toEqual([a, b].sort())
})

test('without a header a trace begins at the door, one for each message', async () => {
  register()
  await post(SEND, {})
  await post([{ name: 'Fail', value: 'x' }], { traceparent: 'no such thing' })
  const all = await spans(3)
  const traces = new Set(all.map((span) => span.spanContext().traceId))
  expect(traces.size).toBe(2)
  const failed = all.filter(({ status }) => status.message !== undefined)
  expect(failed.map(({ name }) => name)).toEqual(['hb.evaluate'])
})

test('where nobody traces, the headers go the whole way as they came, and only they', async () => {
  await post(SEND, { traceparent: TRACEPARENT, tracestate: TRACESTATE })
  await rig.until(({ value }) => value('hb_dre_results_total') === 4)
  const carrying = async (topic: string, name: string) =>
    (await recordsOf(topic)).map(({ headers }) => headers?.[name]).filter((each) => each)
  expect(await carrying(TOPICS.ingress, 'traceparent')).toEqual([TRACEPARENT, TRACEPARENT])
  expect(await carrying(TOPICS.log, 'traceparent')).toEqual([TRACEPARENT, TRACEPARENT])
  expect(await carrying(TOPICS.outbox, 'hb-traceparents')).toEqual([
    expect.stringMatching(new RegExp(`^[0-9]+:${TRACEPARENT}$`)),
  ])
  for (const topic of [TOPICS.ingress, TOPICS.log]) {
    expect(await carrying(topic, 'tracestate')).toEqual([TRACESTATE, TRACESTATE])
  }
  const [onRun = ''] = await carrying(TOPICS.outbox, 'hb-tracestates')
  expect(decodeURIComponent(String(onRun))).toMatch(/^[0-9]+:/)
  expect(decodeURIComponent(String(onRun)).endsWith(`:${TRACESTATE}`)).toBe(true)
  await post(SEND, {}, 'again')
  await rig.until(({ value }) => value('hb_dre_results_total') === 6)
  expect(await carrying(TOPICS.ingress, 'traceparent')).toHaveLength(2)
})

test('nothing that is hashed knows of it: the log without its headers gives the same states', async () => {
  await post(SEND, { traceparent: TRACEPARENT, tracestate: TRACESTATE })
  await rig.until(({ value }) => value('hb_dre_results_total') === 4)
  const bare = createMemoryLog()
  await bare.provision(topicSpecs(TOPICS, 2))
  let seen = 0
  for (const partition of [0, 1]) {
    const { records } = await rig.log.read(TOPICS.log, partition, 0)
    for (const { key, value } of records) await bare.append(TOPICS.log, partition, [{ key, value }])
    const evaluator = await openEvaluator(network, 0)
    const store = createMemoryStore()
    const rebuilt = await rebuild({ network, log: bare, partition, evaluator, store })
    await evaluator.close()
    for (const { process, stateHash, slot } of rebuilt.processes) {
      const served = await rig.node.api.process(process)
      expect({ stateHash: toBase64Url(stateHash), slot }).toEqual({
        stateHash: served?.stateHash,
        slot: served?.slot,
      })
    }
    seen += rebuilt.processes.length
  }
  expect(seen).toBe(2)
  await bare.close()
})
