// What may stand in a path or a query, checked. Everything wrong is `query-invalid` or
// `id-malformed`, by name.

import { isIdText } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'

export type Query = Readonly<Record<string, string | string[] | undefined>>
export type Stage = 'sequenced' | 'result'

const WHOLE = /^(0|[1-9][0-9]{0,15})$/

/** A whole number from `least` to `most`; `fallback` where the parameter is absent. */
export function wholeOf(
  query: Query,
  name: string,
  range: { readonly fallback: number; readonly least: number; readonly most: number },
): number {
  const text = query[name]
  if (text === undefined) return range.fallback
  const value = typeof text === 'string' && WHOLE.test(text) ? Number(text) : NaN
  if (value >= range.least && value <= range.most) return value
  throw new HbError(
    'query-invalid',
    `${name} must be a whole number from ${range.least} to ${range.most}`,
  )
}

export function idOf(text: unknown, name: string): string {
  if (typeof text === 'string' && isIdText(text)) return text
  throw new HbError('id-malformed', name)
}

/** What ?wait= asks for, or undefined. */
export function stageOf(query: Query): Stage | undefined {
  const { wait } = query
  if (wait === undefined || wait === 'sequenced' || wait === 'result') return wait
  throw new HbError('query-invalid', 'wait must be sequenced or result')
}
