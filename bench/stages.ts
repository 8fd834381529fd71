// Where the time of a crank goes, from the appends of one ball: each is asked for when its role has
// what the append before made durable.

import { median } from './rows.ts'
import type { Append } from './watched-log.ts'

const ROLES: Readonly<Record<string, string>> = {
  ingress: 'relayer',
  log: 'sequencer',
  outbox: 'DRE',
}

export function gaps(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - (moments[index] as number))
}

/** The last part of a topic's name: without the application id. */
export function plainTopic(topic: string): string {
  return topic.slice(topic.lastIndexOf('.') + 1)
}

/** From what was durable to the next append asked for, and each append, in the order of a crank. */
export function stages(appends: readonly Append[]): string {
  const times = new Map<string, number[]>()
  const add = (name: string, ms: number): void => {
    const list = times.get(name)
    if (list === undefined) times.set(name, [ms])
    else list.push(ms)
  }
  appends.slice(1).forEach((append, index) => {
    const before = appends[index] as Append
    const topic = plainTopic(append.topic)
    if (append.asked >= before.durable) add(ROLES[topic] ?? topic, append.asked - before.durable)
    add(`append to ${topic}`, append.durable - append.asked)
  })
  return [...times].map(([name, list]) => `${name} ${median(list).toFixed(3)} ms`).join(', ')
}
