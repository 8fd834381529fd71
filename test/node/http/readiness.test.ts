// /readyz and /healthz of a real node while its partitions are restored, halted and given away.

import { afterEach, describe, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../../src/log/memory/index.ts'
import type { Log } from '../../../src/log/port.ts'
import type { Readiness } from '../../../src/node/index.ts'
import { makeGenesis, openNetwork } from '../../../src/protocol/genesis.ts'
import { HbError } from '../../../src/std/errors.ts'
import { ed25519Key, signedItem } from '../../protocol/fixtures.ts'
import { hb } from '../../cli/terminal-double.ts'
import { MetricsRig } from '../metrics-rig.ts'
import { passing } from '../../../src/log/passing/index.ts'
import { SANDBOX } from '../../../src/runtime/index.ts'
import { TOPICS } from '../rig.ts'

const SOURCE = `exports.handle = (state) => { state.count = (state.count ?? 0) + 1 }`
const network = openNetwork(
  makeGenesis({
    name: 'ready',
    salt: 'r',
    partitions: 1,
    sandbox: SANDBOX,
    processes: [{ name: 'counter', engine: 'quickjs', source: SOURCE, state: {} }],
  }),
)
const counter = network.processIds.get('counter') as string
const MESSAGES = 20
const STEP = 5
/** The claim, the spawn, and what was sent. */
const RECORDS_IN_LOG = 2 + MESSAGES

/** Lets nothing pass until it is opened. */
class Gate {
  #open: () => void = () => undefined
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve))
  readonly passed = { count: 0 }

  open(): void {
    this.#open()
  }

  /** The first `free` pass at once. */
  async pass(free: number): Promise<void> {
    this.passed.count += 1
    if (this.passed.count > free) await this.#opened
  }
}

describe('a node that restores', () => {
  const inner = createMemoryLog({ drainTimeoutMs: 50 })
  let rig: MetricsRig | undefined
  const gates = [new Gate(), new Gate()] as const
  afterEach(async () => {
    for (const gate of gates) gate.open()
    await rig?.close()
  })

  async function get(path: string): Promise<{ status: number; body: Readiness }> {
    const response = await fetch(`${(rig as MetricsRig).http.url}${path}`)
    return { status: response.status, body: (await response.json()) as Readiness }
  }

  async function until(role: string, read: number): Promise<Readiness> {
    for (const deadline = Date.now() + 5_000; ; ) {
      const { status, body } = await get('/readyz')
      const found = body.waiting.find((each) => each.role === role && each.read === read)
      if (status === 503 && found !== undefined) return body
      if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(body.waiting)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  test('it is live, says what is read of how much, and is ready when that is done', async () => {
    // the one before, which wrote the log, kept open until the end with the log
    const first = await MetricsRig.open(network, {}, { ...passing(inner), close: async () => {} })
    const items = Array.from({ length: MESSAGES }, (_, n) =>
      signedItem(network, ed25519Key(), { target: counter, tags: [], data: `n${n}` }),
    )
    await first.node.api.submit(items)
    await first.until(({ value }) => value('hb_dre_results_total') === 1 + MESSAGES)
    await first.close()

    const [sequencing, evaluating] = gates
    const log: Log = {
      ...passing(inner),
      // the sequencer reads the log up to its claim
      read: async (topic, partition, from, options) => {
        if (topic !== TOPICS.log) return inner.read(topic, partition, from, options)
        await sequencing.pass(2)
        return inner.read(topic, partition, from, { ...options, to: from + STEP })
      },
      join: (options) => {
        if (options.group !== 'hb.dre') return inner.join(options)
        const { member } = options
        const slow = {
          ...member,
          records: async (batch: Parameters<typeof member.records>[0]) => {
            await evaluating.pass(2)
            return member.records(batch)
          },
        }
        return inner.join({ ...options, member: slow, batchRecordsMax: STEP, inFlight: 1 })
      },
    }
    const limits = { metrics: { lagIntervalMs: 0 } }
    // `composeNode` resolves when the roles have joined, before their partitions are open
    rig = await MetricsRig.open(network, { limits }, log)
    // the second claim is behind what there was
    const place = { what: 'opening', partition: 0, topic: TOPICS.log, of: RECORDS_IN_LOG + 1 }
    const { waiting, ready } = await until('sequencer', 2 * STEP)
    expect(ready).toBe(false)
    expect(waiting).toContainEqual(
      expect.objectContaining({ role: 'sequencer', ...place, read: 2 * STEP }),
    )
    const before = await until('dre', 2 * STEP)
    const [dre] = before.waiting.filter(({ role, what }) => role === 'dre' && what === 'opening')
    expect(dre).toMatchObject({ ...place, read: 2 * STEP })
    expect(dre?.etaMs).toBeGreaterThanOrEqual(0)
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { ready: false } })
    const { code, out } = await hb(['status', '--url', rig.http.url])
    const far = `(dre) at ${rig.http.url}: ${2 * STEP} of ${RECORDS_IN_LOG + 1} records of ${TOPICS.log}`
    expect([code, out.join('\n')]).toEqual([1, expect.stringContaining(far)])
    const { value } = await rig.scrape()
    const labels = `{role="dre",partition="0",topic="${TOPICS.log}"}`
    expect(value('hb_node_ready')).toBe(0)
    expect(value(`hb_node_restore_read_records${labels}`)).toBe(2 * STEP)
    expect(value(`hb_node_restore_size_records${labels}`)).toBe(RECORDS_IN_LOG + 1)
    expect(value('hb_node_partitions{role="sequencer",state="opening"}')).toBe(1)
    sequencing.open()
    evaluating.open()
    const ready2 = await rig.until(({ value }) => value('hb_node_ready') === 1)
    expect(ready2.families.get('hb_node_restore_read_records')?.samples.size).toBe(0)
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { ready: true, waiting: [] } })
  })

  test('what is halted is named with its code, and it stays live', async () => {
    const own = createMemoryLog({ drainTimeoutMs: 50 })
    const log: Log = {
      ...passing(own),
      append: (topic, partition, records) =>
        topic === TOPICS.log
          ? Promise.reject(new HbError('log-not-authorized', 'as planned'))
          : own.append(topic, partition, records),
    }
    rig = await MetricsRig.open(network, {}, log)
    const { value } = await rig.until(
      ({ families }) => families.get('hb_node_partition_halted')?.samples.size === 1,
    )
    const labels = '{role="sequencer",partition="0",code="log-not-authorized"}'
    expect(value(`hb_node_partition_halted${labels}`)).toBe(1)
    const { status, body } = await get('/readyz')
    expect(status).toBe(503)
    const halted = { role: 'sequencer', what: 'halted', partition: 0, code: 'log-not-authorized' }
    expect(body.waiting).toContainEqual(halted)
    expect((await get('/healthz')).status).toBe(200)
  })
})
