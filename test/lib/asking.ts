// What the tests of the crank hold in hand: one queue, its steps, and the messages that reach it.

import { contract, crank, newQueue } from '../../src/lib/index.ts'
import type { Action, Ended as HowEnded, Outcome, Outgoing, RequestQueue } from '../../src/lib/index.ts'
import { idOf } from '../contracts/network.ts'

export const SELF = idOf('asker')
export const BANK = idOf('bank')
export const CLOCK = idOf('clock')
export const MALLORY = idOf('mallory')

export type Ended = { context: unknown; outcome: Outcome; step: string; answers: unknown[] }
export type State = { queue: RequestQueue; ended: Ended[] }

export function actionOf(changes: Partial<Action>): Action {
  return {
    kind: 'message',
    caller: MALLORY,
    from: 'process',
    input: null,
    id: idOf('message'),
    height: 0,
    slot: 1,
    timestamp: 0,
    tags: {},
    data: '',
    dataEncoding: 'utf8',
    hops: 9,
    count: 9_000,
    budget: '0',
    ...changes,
  }
}

/** One process with a queue: `ask` is done inside a message of somebody's. */
export class Asker {
  state: State
  now = 1_000
  /** A step named here throws. */
  failing = new Set<string>()
  private readonly handle = contract<State>({
    spawn: (state, message) => {
      state.queue = newQueue(message)
      return undefined
    },
    actions: { Work: () => this.work(), Deadline: () => undefined },
    crank: crank({
      queue: (state) => state.queue,
      steps: { done: this.step('done'), failed: this.step('failed') },
    }),
  })
  private work: () => Outgoing[] = () => []

  constructor(system: Record<string, string> = { clock: CLOCK }) {
    this.state = { queue: newQueue(), ended: [] }
    this.deliver({ kind: 'spawn', id: SELF, input: { module: '', system } })
  }

  /** Work during which `ask` is called; gives what was sent. */
  during(ask: (queue: RequestQueue, message: Action) => Outgoing[], changes: Partial<Action> = {}): Outgoing[] {
    const message = actionOf({ tags: { Action: 'Work' }, timestamp: this.now, ...changes })
    this.work = () => ask(this.state.queue, message)
    const sent = this.handled(message)
    this.work = () => []
    return sent
  }

  deliver(changes: Partial<Action>): Outgoing[] {
    return this.handled(actionOf({ timestamp: this.now, ...changes }))
  }

  answer(Reference: string, changes: Partial<Action> = {}): Outgoing[] {
    const tags = { Action: 'Look-Reply', Reference }
    return this.deliver({ kind: 'notice', caller: BANK, tags, ...changes })
  }

  /** As the network does: what throws changes nothing. */
  private handled(message: Action): Outgoing[] {
    const before = JSON.stringify(this.state)
    try {
      const { messages = [] } = this.handle(this.state, message)
      this.state = JSON.parse(JSON.stringify(this.state)) as State
      return messages
    } catch (error) {
      this.state = JSON.parse(before) as State
      throw error
    }
  }

  private step(name: string) {
    return (state: State, context: unknown, { outcome, answers }: HowEnded) => {
      if (this.failing.has(name)) throw new Error(`${name} fails`)
      state.ended.push({ context, outcome, step: name, answers: [...answers] })
      return undefined
    }
  }

  /** Contexts and outcomes of what ended, in order. */
  get ends(): [unknown, string][] {
    return this.state.ended.map(({ context, outcome }) => [context, outcome])
  }
}

/** What a message says, for comparisons. */
export function sentAs(sent: readonly Outgoing[], action: string): Outgoing[] {
  return sent.filter(({ tags }) => tags?.['Action'] === action)
}

/** Every link of the order of deadlines, checked both ways; gives the deadlines in order. */
export function dueTimes(queue: RequestQueue): number[] {
  const times: number[] = []
  let before = ''
  for (let at = queue.first ?? ''; at !== ''; at = queue.tasks[at]?.after as string) {
    const task = queue.tasks[at]
    if (task?.due === undefined) throw new Error(`${at} is linked and has no deadline`)
    if (task.before !== before) throw new Error(`before ${at} is ${task.before}, not ${before}`)
    before = at
    times.push(task.due)
  }
  if ((queue.last ?? '') !== before) throw new Error(`the last is ${queue.last}, not ${before}`)
  const linked = Object.values(queue.tasks).filter(({ due }) => due !== undefined).length
  if (linked !== times.length) throw new Error(`${linked} have deadlines, ${times.length} are linked`)
  return times
}
