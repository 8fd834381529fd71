// PromQL as Prometheus' own grammar reads it: which metrics an expression asks for, by which
// labels, and whether it is one at all.

import { parser } from '@prometheus-io/lezer-promql'

export type Asked = {
  /** Metric → labels that are matched on it. */
  readonly metrics: Map<string, Set<string>>
  /** Labels that results are grouped or joined by. */
  readonly grouped: Set<string>
}

/** Grafana's variables stand for what is put in their place. */
export function withoutVariables(expression: string): string {
  return expression
    .replaceAll(/\[\$__(rate_)?interval\]/g, '[5m]')
    .replaceAll(/"\$[a-z]+"/g, '"x"')
}

/** Throws where it does not parse. */
export function asked(expression: string): Asked {
  const metrics = new Map<string, Set<string>>()
  const grouped = new Set<string>()
  let matched = new Set<string>()
  let isGrouping = false
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      const text = expression.slice(from, to)
      if (name === '⚠') throw new Error(`at ${from} of ${expression}`)
      if (name === 'VectorSelector') matched = new Set()
      if (name === 'GroupingLabels') isGrouping = true
      if (name === 'Identifier') {
        matched = metrics.get(text) ?? matched
        metrics.set(text, matched)
      }
      if (name !== 'LabelName') return
      if (isGrouping) grouped.add(text)
      else matched.add(text)
    },
    leave: ({ name }) => {
      if (name === 'GroupingLabels') isGrouping = false
    },
  })
  return { metrics, grouped }
}
