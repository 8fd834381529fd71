// What a real node reports of itself: what moves, what fails and what stands still.

import { afterEach, describe, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log } from '../../src/log/port.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { HbError } from '../../src/std/errors.ts'
import type { Level, Report } from '../../src/std/reporter.ts'
import { LEVELS, Reporter } from '../../src/std/reporter.ts'
import { MetricsRig } from './metrics-rig.ts'
import { passing } from '../../src/log/passing/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { TOPICS } from './rig.ts'

const network = openNetwork(
  makeGenesis({
    name: 'reports',
    salt: 'r',
    partitions: 2,
    sandbox: SANDBOX,
  }),
)

describe('a node', () => {
  let rig: MetricsRig
  let reports: Report[]
  afterEach(() => rig.close())

  async function open(change: (log: Log) => Partial<Log>, level: Level = 'info'): Promise<void> {
    const inner = createMemoryLog({ drainTimeoutMs: 50 })
    const log = { ...passing(inner), ...change(inner) }
    reports = []
    const reporter = new Reporter(level, (report) => reports.push(report))
    rig = await MetricsRig.open(network, { reporter }, log)
  }

  async function until(holds: () => boolean): Promise<void> {
    for (const deadline = Date.now() + 5_000; !holds(); ) {
      if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(reports)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  const eventsOf = (role: string, partition: number): string[] =>
    reports
      .filter(({ fields }) => fields['role'] === role && fields['partition'] === partition)
      .map(({ event }) => event)

  test('of each role and partition: it comes, is open, goes', async () => {
    await open(() => ({}))
    await until(() => rig.node.api.health().ready)
    await rig.node.close()
    for (const role of ['sequencer', 'dre', 'relayer']) {
      for (const partition of [0, 1]) {
        expect([role, eventsOf(role, partition)]).toEqual([
          role,
          ['partition-opening', 'partition-open', 'partition-closing'],
        ])
      }
    }
  })

  test('an append that fails is a warning with its code, and a figure; one partition halts, one is open', async () => {
    await open((log) => ({
      append: (topic, partition, records) =>
        topic === TOPICS.log && partition === 1
          ? Promise.reject(new HbError('log-not-authorized', 'as planned'))
          : log.append(topic, partition, records),
    }))
    await until(() => eventsOf('sequencer', 1).includes('partition-halted'))
    await until(() => eventsOf('sequencer', 0).includes('partition-open'))
    const halted = reports.find(({ event }) => event === 'partition-halted')
    const place = { role: 'sequencer', partition: 1, code: 'log-not-authorized' }
    expect(halted).toMatchObject({ level: 'error', fields: place })
    expect(halted?.text).toContain('as planned')
    const failed = reports.find(({ event }) => event === 'append-failed')
    expect(failed).toMatchObject({ level: 'warn', fields: { ...place, topic: TOPICS.log } })
    const { value } = await rig.scrape()
    const labels = `{role="sequencer",topic="${TOPICS.log}",code="log-not-authorized"}`
    expect(value(`hb_log_append_failures_total${labels}`)).toBe(1)
  })
})

test('what is below the level is not said; the level may be changed at any time', () => {
  for (const level of LEVELS) {
    const said: Level[] = []
    const reporter = new Reporter('error', (report) => said.push(report.level))
    reporter.level = level
    for (const each of LEVELS) reporter[each]('event', 'text')
    expect(said).toEqual(LEVELS.slice(0, LEVELS.indexOf(level) + 1))
  }
})
