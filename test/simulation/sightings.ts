// Situations that entries and their results tell of, once a run has come to rest.

import { tagValue } from '../../src/protocol/message.ts'
import type { Content, Message } from '../../src/protocol/message.ts'
import type { Ending } from './load/workload.ts'
import type { Situation } from './situations.ts'

type Saw = (situation: Situation) => void

const ENDED = [
  'a question ended: bounce',
  'a question ended: expired',
  'a question ended: reply',
] as const

export function seeSituations(partitions: Ending['partitions'], saw: Saw): void {
  for (const { entries, results } of partitions) {
    entries.forEach(({ message }, height) => {
      const result = results[height]
      if (result === undefined) return
      const { code, text, messages } = result
      if (code !== '') saw(`result: ${code}`)
      if (text.startsWith('price-stale')) saw('a stale price was refused')
      seeSpawn(message, code, saw)
      seeUpgrade(message, code, saw)
      for (const content of messages) seeSent(content, saw)
    })
  }
}

/** Of a child that its parent named by a salt. */
function seeSpawn({ kind, tags, from, data }: Message, code: string, saw: Saw): void {
  if (kind !== 'spawn' || from !== 'process' || tagValue(tags, 'Spawn-Salt') === undefined) return
  if (code === 'spawn-repeated') saw('a salt was used again')
  if (code === 'module-unknown') saw('a module was not known to its sender')
  if (code !== '') return
  saw('a child was spawned by its salt')
  const spec = JSON.parse(Buffer.from(data).toString()) as { module?: string }
  if (spec.module !== undefined) saw('a child was spawned by its module')
}

function seeUpgrade({ kind, tags, from, caller, process, data }: Message, code: string, saw: Saw) {
  if (kind !== 'message' || tagValue(tags, 'HB-Upgrade') === undefined || from !== 'process') return
  if (caller !== process) return saw('an upgrade came from another process')
  if (code === 'module-unknown') return saw('an upgrade named an unknown module')
  if (code !== '') return saw('an upgrade failed')
  const isByHash = Buffer.from(data).toString().startsWith('{"module"')
  saw(isByHash ? 'an upgrade held: by hash' : 'an upgrade held: by source')
}

function seeSent({ kind, tags }: Pick<Content, 'kind' | 'tags'>, saw: Saw): void {
  const action = tagValue(tags, 'Action')
  if (kind === 'bounce') saw('a bounce')
  if (kind === 'notice' && action === 'Alarm') {
    const missed = tagValue(tags, 'Missed')
    if (missed === undefined) saw('an alarm fired')
    else saw(missed === '0' ? 'an alarm that repeats fired' : 'an alarm missed its time')
  }
  if (kind === 'event' && action === 'Liquidation') saw('a position was liquidated')
  if (kind === 'event' && action === 'Ended') {
    const ended = ENDED.find((each) => each.endsWith(tagValue(tags, 'Outcome') ?? ' '))
    if (ended !== undefined) saw(ended)
  }
}
