// To which process a message goes that a result emits.

import type { Content } from './message.ts'
import { contentDigest, processMessageId, processOf } from './message.ts'

/** Where a message of a result stands, and whose it is. */
export type Source = {
  readonly caller: string
  readonly partition: number
  readonly height: number
  readonly index: number
}

/** A spawn's target is its child: named by its salt, or else by its place. */
export function targetProcess(network: string, source: Source, content: Content): string {
  return processOf(source.caller, content, () =>
    processMessageId(network, source, contentDigest(content)),
  )
}
