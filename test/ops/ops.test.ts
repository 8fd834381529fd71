// Dashboards, alerts, runbook and the page of metrics against what a real node exposes.

import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { metricsDoc, ownOf, PROCESS_METRICS } from '../../scripts/metrics-doc.mjs'
import { SINK_METRICS } from '../../connectors/arweave-sink/index.ts'
import { HTTP_METRICS } from '../../src/node/http/http-metrics.ts'
import { NODE_METRICS } from '../../src/node/metrics/node-metrics.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { ERROR_TABLE } from '../../src/std/error-table.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { ROOT } from '../guards/tool.ts'
import { ConnectRig } from '../connectors/arweave-sink/connect-rig.ts'
import { MetricsRig, parseExposition } from '../node/metrics-rig.ts'
import type { Family, Scrape } from '../node/metrics-rig.ts'
import { asked, withoutVariables } from './promql.ts'

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}
type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}
type Dashboard = { readonly uid: string; readonly title: string; readonly panels: readonly Panel[] }

const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8')
const rules = (parse(read('ops/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups
  .flatMap((group) => group.rules)
const dashboards = readdirSync(`${ROOT}ops/grafana`).map(
  (file) => JSON.parse(read(`ops/grafana/${file}`)) as Dashboard,
)
const SINK = ownOf(SINK_METRICS)
const documented = { ...NODE_METRICS, ...HTTP_METRICS, ...SINK, ...PROCESS_METRICS }
/** What Prometheus adds to every sample, and `le` of buckets. */
const ADDED = ['instance', 'job', 'le']

const SOURCE = `exports.handle = (state) => { state.count = (state.count ?? 0) + 1 }`
const network = openNetwork(
  makeGenesis({
    name: 'ops',
    salt: 'o',
    partitions: 1,
    sandbox: SANDBOX,
    processes: [{ name: 'counter', engine: 'quickjs', source: SOURCE, state: {} }],
  }),
)

let rig: MetricsRig
let connect: ConnectRig
let scrape: Scrape
/** Of a worker of connectors: what a node does not have. */
let sinkFamilies: Map<string, Family>
beforeAll(async () => {
  rig = await MetricsRig.open(network)
  const target = network.processIds.get('counter') as string
  await rig.node.api.submit([signedItem(network, ed25519Key(), { target, tags: [], data: '' })])
  scrape = await rig.until(({ value }) => value('hb_dre_results_total') === 2)
  connect = await ConnectRig.open([5])
  await connect.ask('PUT', '/connectors/arweave-sink/config', connect.config())
  await connect.states('RUNNING', 'RUNNING')
  await connect.sink.caughtUp()
  sinkFamilies = parseExposition((await connect.ask('GET', '/metrics')).text)
})
afterAll(async () => {
  await rig.close()
  await connect.close()
})

/** Of a sample's name, the metric that it belongs to. */
function familyOf(name: string): string | undefined {
  if (scrape.families.has(name) || sinkFamilies.has(name)) return name
  const base = name.replace(/_(bucket|sum|count)$/, '')
  return scrape.families.get(base)?.type === 'histogram' ? base : undefined
}

/** What is wrong with an expression; '' where nothing is. */
function faultsOf(expression: string): string {
  const { metrics, grouped } = asked(withoutVariables(expression))
  const labels = new Set(ADDED)
  const faults: string[] = []
  for (const [name, matched] of metrics) {
    if (name === 'up') continue
    const family = familyOf(name)
    if (family === undefined) faults.push(`${name} is not exposed`)
    const own = documented[family as keyof typeof documented]?.labels ?? []
    for (const label of own) labels.add(label)
    for (const label of matched) {
      if (![...own, ...ADDED].includes(label)) faults.push(`${name} has no label ${label}`)
    }
  }
  for (const label of grouped) if (!labels.has(label)) faults.push(`no label ${label} to group by`)
  if (metrics.size === 0) faults.push('asks for nothing')
  return faults.join('; ')
}

test('these tests find what is wrong', () => {
  expect(faultsOf('sum by (role) (hb_node_partitions{state="open"})')).toBe('')
  expect(faultsOf('rate(hb_sequencer_entrys_total[5m])')).toContain('not exposed')
  expect(faultsOf('hb_dre_runs_total_bucket')).toContain('not exposed')
  expect(faultsOf('hb_node_partitions{rolle="dre"}')).toContain('no label rolle')
  expect(faultsOf('sum by (topic) (hb_node_ready)')).toContain('no label topic')
  expect(() => faultsOf('sum(hb_node_ready')).toThrow()
})

describe('the page of metrics', () => {
  test('is what the tables say (npm run generate writes it)', () => {
    const page = metricsDoc(NODE_METRICS, HTTP_METRICS, SINK, PROCESS_METRICS)
    expect(read('docs/operating/metrics.md')).toBe(page)
  })

  test('has everything that a real node exposes, with its type and its labels', () => {
    for (const [name, { type, samples }] of [...scrape.families, ...sinkFamilies]) {
      const row = documented[name as keyof typeof documented]
      expect([name, row?.type]).toEqual([name, type])
      for (const sample of samples.keys()) {
        const labels = [...sample.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label)
        const known = [...(row?.labels ?? []), ...(type === 'histogram' ? ['le'] : [])]
        expect([sample, labels.filter((label) => !known.includes(label as string))]).toEqual([
          sample,
          [],
        ])
      }
    }
  })

  test('has nothing of ours that a node with all roles does not expose', () => {
    const ours = [...Object.keys(NODE_METRICS), ...Object.keys(HTTP_METRICS)]
    expect(ours.filter((name) => !scrape.families.has(name))).toEqual([])
    expect(ours.length).toBeGreaterThan(50)
    expect(Object.keys(SINK_METRICS).filter((name) => !sinkFamilies.has(name))).toEqual([])
  })

  test('names are by the conventions', () => {
    for (const [name, { type, help }] of Object.entries({ ...NODE_METRICS, ...HTTP_METRICS, ...SINK })) {
      expect(name).toMatch(/^(hb_[a-z]+_[a-z_]+|kafka_consumergroup_lag)$/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      if (type === 'histogram') expect(name).toMatch(/_seconds$/)
      expect(name).not.toMatch(/_(ms|millis|milliseconds|kb|mb|percent)(_|$)/)
      expect(help).toMatch(/^[^\n]+\.$/)
    }
  })
})

describe('alerts', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s', (_, rule) => {
    expect(faultsOf(rule.expr)).toBe('')
    expect(rule.labels.severity).toMatch(/^(page|ticket|info)$/)
    expect(Object.keys(rule.annotations).sort()).toEqual(['description', 'runbook', 'summary'])
    const anchor = rule.alert.toLowerCase()
    expect(rule.annotations['runbook']).toBe(`docs/operating/runbook.md#${anchor}`)
    // what a text shows of a sample's labels, the expression leaves on it
    const shown = Object.values(rule.annotations).join(' ')
    const { metrics, grouped } = asked(rule.expr)
    const kept = new Set([...grouped, ...(grouped.size === 0 ? [...ADDED] : [])])
    for (const name of grouped.size === 0 ? metrics.keys() : []) {
      for (const label of documented[name as keyof typeof documented]?.labels ?? []) kept.add(label)
    }
    for (const [, label] of shown.matchAll(/\$labels\.([a-z_]+)/g)) {
      expect([rule.alert, label, kept.has(label as string)]).toEqual([rule.alert, label, true])
    }
  })

  test('have names of their own, and a section of the runbook each', () => {
    const names = rules.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(12)
    expect(sections('Alerts').sort()).toEqual([...names].sort())
  })
})

describe('the runbook', () => {
  test('has a section for every code that a partition halts with', () => {
    const [, table = ''] = /## When a partition halts([^]*)/.exec(read('docs/KAFKA.md')) ?? []
    const codes = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code as string)
    expect(codes.length).toBeGreaterThan(4)
    const have = sections('Halt codes')
    expect(codes.filter((code) => !have.includes(code))).toEqual([])
    expect(have.filter((code) => !(code in ERROR_TABLE))).toEqual([])
  })

  test('names metrics that there are', () => {
    for (const page of ['runbook', 'observing']) {
      const text = read(`docs/operating/${page}.md`)
      const names = [...text.matchAll(/`((hb|nodejs|process|kafka)_[a-z_0-9]+)`/g)]
      expect(names.map(([, name]) => name as string).filter((name) => !(name in documented))).toEqual([])
    }
  })
})

describe('dashboards', () => {
  test.each(dashboards.map((each) => [each.title, each] as const))('%s', (_, { panels }) => {
    const ids = panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { title, type, targets = [] } of panels) {
      if (type === 'row') continue
      expect([title, targets.length > 0]).toEqual([title, true])
      for (const { expr } of targets) expect([title, faultsOf(expr)]).toEqual([title, ''])
    }
    for (const one of panels) {
      for (const other of panels) {
        if (one.id < other.id) expect([one.title, other.title, overlap(one, other)]).toEqual([one.title, other.title, false])
      }
    }
  })

  test('between them show every metric of ours but those that only explain others', () => {
    const shown = new Set(
      dashboards.flatMap(({ panels }) =>
        panels.flatMap(({ targets = [] }) =>
          targets.flatMap(({ expr }) =>
            [...asked(withoutVariables(expr)).metrics.keys()].map(familyOf),
          ),
        ),
      ),
    )
    const ours = Object.keys({ ...NODE_METRICS, ...HTTP_METRICS, ...SINK })
    expect(ours.filter((name) => !shown.has(name)).sort()).toEqual([
      'hb_door_waiting_records',
      'hb_node_info',
      'hb_node_network_partitions',
    ])
  })
})

/** Headings of the third level below one of the second. */
function sections(part: string): string[] {
  const text = read('docs/operating/runbook.md')
  const [, below = ''] = new RegExp(`^## ${part}$([^]*?)(?=^## |$(?![^]))`, 'm').exec(text) ?? []
  return [...below.matchAll(/^### (.+)$/gm)].map(([, title]) => title as string)
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
