// Situations that entries and their results tell of, once a run has come to rest.

import type { Ending } from './load/workload.ts'
import { tagValue } from '../../src/protocol/message.ts'
import type { Tag } from '../../src/protocol/message.ts'
import type { Situation } from './situations.ts'

type Outcome = Ending['partitions'][number]['results'][number]

export function seeSituations(
  partitions: Ending['partitions'],
  saw: (situation: Situation) => void,
): void {
  for (const { code, messages } of partitions.flatMap(({ results }) => results)) {
    if (code !== '') saw(`result: ${code}`)
    for (const { kind, tags } of messages) {
      const seen = kind === 'bounce' ? 'a bounce' : seenIn(kind, tags)
      if (seen !== undefined) saw(seen)
    }
  }
}

function seenIn(kind: Outcome['messages'][number]['kind'], tags: readonly Tag[]): Situation | undefined {
  const action = tagValue(tags, 'Action')
  if (kind === 'notice' && action === 'Alarm') {
    const missed = tagValue(tags, 'Missed')
    if (missed === undefined) return 'an alarm fired'
    return missed === '0' ? 'an alarm that repeats fired' : 'an alarm missed its time'
  }
  return undefined
}
