// To which process a message goes that a result emits.

import type { Content } from './message.ts'
import { contentDigest, processMessageId } from './message.ts'

/** A spawn's target is its own id, which its place gives it. */
export function targetProcess(
  network: string,
  partition: number,
  height: number,
  index: number,
  content: Content,
): string {
  if (content.kind !== 'spawn') return content.target
  return processMessageId(network, { partition, height, index }, contentDigest(content))
}
