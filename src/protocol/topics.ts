// Topic names, their specifications, and the partitioner. Names are prefixed by the application id,
// as Kafka Streams does.

export const TOPICS = [
  'ingress',
  'log',
  'outbox',
  'snapshots',
  'modules',
  'registry',
  'deadletters',
] as const
export type Topic = (typeof TOPICS)[number]

/** By role, the topic that its group consumes. */
export const CONSUMED = {
  sequencer: 'ingress',
  dre: 'log',
  relayer: 'outbox',
} as const satisfies Readonly<Record<string, Topic>>

export type TopicNames = Readonly<Record<Topic, string>>

export function topicNames(applicationId: string): TopicNames {
  const names: Record<string, string> = {}
  for (const topic of TOPICS) names[topic] = `${applicationId}.${topic}`
  return names as TopicNames
}

/** Topics with the network's partition count; the others have one partition. */
const PARTITIONED: ReadonlySet<Topic> = new Set(['ingress', 'log', 'outbox', 'snapshots'])
const COMPACTED: ReadonlySet<Topic> = new Set(['snapshots', 'modules', 'registry'])

/** For people, who have so long to look at what was refused: four weeks. */
export const DEAD_LETTER_MS = 28 * 86_400_000

export type TopicPlan = {
  readonly name: string
  readonly partitions: number
  readonly cleanup: 'log' | 'compact'
  readonly retentionMs?: number
}

export function topicSpecs(names: TopicNames, partitions: number): TopicPlan[] {
  return TOPICS.map((topic) => ({
    name: names[topic],
    partitions: PARTITIONED.has(topic) ? partitions : 1,
    cleanup: COMPACTED.has(topic) ? 'compact' : 'log',
    ...(topic === 'deadletters' && { retentionMs: DEAD_LETTER_MS }),
  }))
}

/**
 * The partition of a process, the same in every partitioned topic: what Kafka's Java clients
 * compute for the key.
 */
export function partitionOf(process: string, partitions: number): number {
  return (murmur2(process) & 0x7fffffff) % partitions
}

/** Kafka's 32-bit murmur2 (seed 0x9747b28c) of an ASCII key, as a signed integer. */
export function murmur2(key: string): number {
  const m = 0x5bd1e995
  const length = key.length
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k =
      (key.charCodeAt(i) & 0xff) |
      ((key.charCodeAt(i + 1) & 0xff) << 8) |
      ((key.charCodeAt(i + 2) & 0xff) << 16) |
      ((key.charCodeAt(i + 3) & 0xff) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = length - i
  if (rest === 3) h ^= (key.charCodeAt(i + 2) & 0xff) << 16
  if (rest >= 2) h ^= (key.charCodeAt(i + 1) & 0xff) << 8
  if (rest >= 1) {
    h ^= key.charCodeAt(i) & 0xff
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}
