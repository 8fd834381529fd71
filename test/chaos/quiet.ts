// When a network is quiet, by its topics alone: every group has consumed what its topic holds,
// every entry has its result, and nothing was written for a while.

import type { Log } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'

export type QuietOptions = {
  readonly applicationId?: string
  readonly timeoutMs?: number
  /** So long nothing may be written. */
  readonly stillMs?: number
}

/** Resolves when quiet; throws, with what is still to be done, after the timeout. */
export async function untilQuiet(
  log: Log,
  network: Network,
  options: QuietOptions = {},
): Promise<void> {
  const { timeoutMs = 20_000, stillMs = 300 } = options
  const deadline = performance.now() + timeoutMs
  let before = ''
  let since = performance.now()
  for (;;) {
    const { lags, ends } = await lagsOf(log, network, options.applicationId ?? 'hb')
    const now = performance.now()
    if (ends !== before || lags.length > 0) since = now
    before = ends
    if (now - since >= stillMs) return
    if (now > deadline) {
      const why = lags.length === 0 ? 'records are still being written' : lags.join(', ')
      throw new Error(`not quiet after ${timeoutMs} ms: ${why}`)
    }
    await systemClock.sleep(50)
  }
}

/** "group topic/partition: lag" for each group that is behind, and all ends as one text. */
async function lagsOf(
  log: Log,
  network: Network,
  applicationId: string,
): Promise<{ lags: string[]; ends: string }> {
  const topics = topicNames(applicationId)
  const read = [
    ['sequencer', topics.ingress],
    ['dre', topics.log],
    ['relayer', topics.outbox],
  ] as const
  const lags: string[] = []
  const all: number[] = []
  for (const [role, topic] of read) {
    const ends = await log.ends(topic)
    const committed = await log.committed(`${applicationId}.${role}`, topic)
    for (let partition = 0; partition < network.genesis.partitions; partition++) {
      const end = ends[partition]?.end ?? 0
      const lag = end - (committed[partition] ?? ends[partition]?.start ?? 0)
      if (lag > 0) lags.push(`${role} ${topic}/${partition}: ${lag}`)
      all.push(end)
    }
  }
  return { lags, ends: all.join() }
}
