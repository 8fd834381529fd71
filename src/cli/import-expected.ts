// What a history came to, against what another evaluated.

import type { Json } from '../protocol/changes.ts'
import { jsonDiff, type EvaluatedHistory, type WarpEvaluated } from '../replay/index.ts'
import { parseJson } from '../std/json-text.ts'

/** The first few places that differ, in words; undefined: none. */
const SHOWN = 3
const VALUE_UNITS_MAX = 60

/** The order of keys does not count: who stored the state may have sorted them. */
export function expectedDifference(
  { state, validity }: WarpEvaluated,
  evaluated: EvaluatedHistory,
): string | undefined {
  const steps = jsonDiff(state as Json, parseJson(evaluated.stateText) as Json)
  const places = steps.map((step) => {
    const was = 'was' in step ? shown(step.was) : 'nothing'
    const is = 'value' in step ? shown(step.value) : 'nothing'
    return `${step.path}: expected ${was}, evaluated ${is}`
  })
  const ids = Object.entries(validity ?? {}).filter(([id, isValid]) => {
    const verdict = evaluated.verdicts.get(id)
    return verdict === undefined || (verdict === 'ok') !== isValid
  })
  places.push(
    ...ids.map(([id, isValid]) => {
      const verdict = evaluated.verdicts.get(id) ?? 'not among the interactions'
      return `interaction ${id}: expected ${isValid ? 'valid' : 'not valid'}, evaluated ${verdict}`
    }),
  )
  if (places.length === 0) return undefined
  const more = places.length > SHOWN ? ` (and ${places.length - SHOWN} more)` : ''
  return `${places.slice(0, SHOWN).join('; ')}${more}`
}

function shown(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > VALUE_UNITS_MAX ? `${text.slice(0, VALUE_UNITS_MAX)}…` : text
}
