// When a network is quiet, by its topics alone: every group has consumed what its topic holds, and
// nothing was written for a while. `untilComplete` asks for more: that every channel has arrived (a
// relayer that waits to send one again looks quiet too).

import type { Log } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { targetProcess } from '../../src/protocol/target.ts'
import { partitionOf, topicNames } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'
import { factsOf } from './checker/facts.ts'
import type { Facts } from './checker/facts.ts'
import type { Topics } from './evidence.ts'
import { readTopics } from './evidence.ts'

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

/** Quiet, and every channel arrived: resolves with the topics, and what is missing at the timeout. */
export async function untilComplete(
  log: Log,
  network: Network,
  options: QuietOptions = {},
): Promise<{ topics: Topics; missing: readonly string[] }> {
  const { applicationId = 'hb', timeoutMs = 20_000 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const left = Math.max(0, deadline - performance.now())
    const lagging = await untilQuiet(log, network, { ...options, timeoutMs: left }).then(
      () => [],
      (error: unknown) => [String(error)],
    )
    const topics = await readTopics(log, network, applicationId)
    const missing = [...lagging, ...missingInChannels(network, topics)]
    if (missing.length === 0 || performance.now() > deadline) return { topics, missing }
  }
}

function missingInChannels(network: Network, topics: Topics): string[] {
  const none = { submissions: [], receipts: [], results: [], refusals: [], states: [] }
  const { partitions } = factsOf({
    network,
    ...topics,
    clients: none,
    evaluated: [],
    tokens: new Map(),
  })
  return partitions.flatMap((source) =>
    sentBy(network, source).flatMap((sent, target) => {
      const arrived = partitions[target]?.view.counters[source.partition] ?? 0
      const channel = `channel ${source.partition}→${target}`
      return arrived < sent ? [`${channel}: ${arrived} of ${sent} arrived`] : []
    }),
  )
}

/** Per target partition the last number that the outbox holds. */
function sentBy(
  { id, genesis }: Network,
  { partition, runs }: Facts['partitions'][number],
): number[] {
  const sent = new Array<number>(genesis.partitions).fill(0)
  for (const result of runs.flatMap(({ run }) => run?.results ?? [])) {
    const { height, process: caller, messages } = result
    messages.forEach((content, index) => {
      const { kind, seq } = content
      if (kind === 'event') return
      const process = targetProcess(id, { caller, partition, height, index }, content)
      const target = partitionOf(process, genesis.partitions)
      sent[target] = Math.max(sent[target] ?? 0, seq)
    })
  }
  return sent
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
