// A group's position never passes what its records had to bring about: what lies below it is not
// read again, so it must be done, by whoever.

import { topicNames } from '../../../src/protocol/topics.ts'
import type { Tell } from '../../chaos/checker/index.ts'
import type { Known } from './known.ts'
import type { CommitFact, Invariant, Saw } from './watch.ts'

type OwnGroup = 'hb.sequencer' | 'hb.dre' | 'hb.relayer'

/** Judges what lies from one offset up to another; both are positions of one partition. */
type Judge = (partition: number, from: number, to: number) => void

/**
 * hb.sequencer: each record below is placed, in the dead letters, or out of its channel's turn and
 * can be relayed again. hb.dre: each accepted entry below has its result in the outbox. hb.relayer:
 * each message of the runs below is in ingress. Nor is anything trimmed that is still needed.
 */
export const offsetsNeverPassEffects: Invariant = (known, tell, saw) => {
  const names = topicNames('hb')
  const arrivals = new Arrivals(known)
  const judges = new Map<string, Judge>([
    [`hb.sequencer ${names.ingress}`, ingressIsDone(known, tell, saw)],
    [`hb.dre ${names.log}`, logIsDone(known, tell)],
    [`hb.relayer ${names.outbox}`, outboxIsDone(known, arrivals, tell)],
  ])
  const settled = trimIsSettled(known, tell)
  /** How far each position was judged: what was done stays done. */
  const judged = new Map<string, number>()
  return {
    committed({ group, topic, partition, next }: CommitFact) {
      const judge = judges.get(`${group} ${topic}`)
      if (judge === undefined) return
      const key = `${topic}/${partition}`
      const from = judged.get(key) ?? 0
      if (next < from) return saw(`offsets: ${group as OwnGroup} went back`)
      judged.set(key, next)
      judge(partition, from, next)
    },
    trimmed({ topic, partition, start }) {
      const position = judged.get(`${topic}/${partition}`) ?? 0
      if (topic === names.log) tell({ partition, text: `the log is trimmed to ${start}` })
      if (topic !== names.ingress && topic !== names.outbox) return
      if (start > position) {
        tell({ partition, text: `${topic} is trimmed to ${start}, and committed to ${position}` })
      }
      if (topic === names.outbox) settled(partition, start)
    },
  }
}

function ingressIsDone(known: Known, tell: Tell, saw: Saw): Judge {
  return (partition, from, to) => {
    const { ingress, view } = known.partition(partition)
    for (let offset = from; offset < to; offset++) {
      const { id, channel } = ingress[offset] ?? {}
      if (known.letters.has(`${partition}/${offset}`)) continue
      if (id !== undefined && known.places.has(id)) continue
      if (channel !== undefined) {
        if (channel.seq <= (view.counters[channel.source] ?? 0)) continue
        // dropped, and sent again when the counter is seen to stand still: the outbox keeps it
        // until it is settled (`trimmed` sees to that); what no outbox sent is forged, and no loss
        const isSent = known.sent(channel.source, partition).length >= channel.seq
        saw(`offsets: ${isSent ? 'a gap in a channel' : 'a forged message'} was passed`)
        continue
      }
      const what = id ?? 'a record'
      const text = `ingress offset ${offset} (${what}) is committed, not placed and not refused`
      return tell({ partition, ...(id !== undefined && { id }), text })
    }
  }
}

function logIsDone(known: Known, tell: Tell): Judge {
  return (partition, _, to) => {
    const { offsets, results } = known.partition(partition)
    const offset = offsets[results.length]
    if (offset === undefined || offset >= to) return
    const text = `log offset ${to} is committed, no result of offset ${offset} is published`
    tell({ partition, height: results.length, text })
  }
}

function outboxIsDone(known: Known, arrivals: Arrivals, tell: Tell): Judge {
  const { length } = known.partitions
  /** By channel: how many of its messages lie below the position. */
  const passed = new Array<number>(length * length).fill(0)
  return (source, _, to) => {
    for (let target = 0; target < length; target++) {
      const sent = known.sent(source, target)
      const at = source * length + target
      let seq = passed[at] as number
      for (; (sent[seq]?.offset ?? to) < to; seq++) {
        if (arrivals.has(source, target, seq + 1)) continue
        const what = `${source}→${target} ${seq + 1}`
        const text = `outbox offset ${to} is committed, ${what} is not relayed`
        tell({ partition: source, height: sent[seq]?.height ?? -1, text })
      }
      passed[at] = seq
    }
  }
}

/**
 * X1 and X2 of the outbox's trim: what is gone from it was accepted at its target or stands in it
 * again, and the newest run, which says where to go on, is not gone.
 */
function trimIsSettled(known: Known, tell: Tell): (source: number, start: number) => void {
  return (source, start) => {
    const { newestRun } = known.partition(source)
    if (start > newestRun) {
      tell({ partition: source, text: `the outbox is trimmed to ${start}, over its newest run` })
    }
    known.partitions.forEach(({ view }, target) => {
      const next = known.sent(source, target)[view.counters[source] ?? 0]
      if (next === undefined || next.last >= start) return
      const text = `the outbox is trimmed to ${start}, and ${target} has not settled ${next.height}`
      tell({ partition: source, height: next.height, text })
    })
  }
}

/** Which numbers of each channel ingress ever held. */
class Arrivals {
  readonly #known: Known
  readonly #read: number[]
  readonly #seen: readonly Set<number>[]

  constructor(known: Known) {
    const { length } = known.partitions
    this.#known = known
    this.#read = new Array<number>(length).fill(0)
    this.#seen = Array.from({ length: length * length }, () => new Set<number>())
  }

  has(source: number, target: number, seq: number): boolean {
    const { ingress } = this.#known.partition(target)
    const { length } = this.#known.partitions
    for (let offset = this.#read[target] as number; offset < ingress.length; offset++) {
      const channel = ingress[offset]?.channel
      if (channel !== undefined) this.#seen[channel.source * length + target]?.add(channel.seq)
    }
    this.#read[target] = ingress.length
    return this.#seen[source * length + target]?.has(seq) === true
  }
}
