// Weakenings of what makes time: the clock, its ticker, and the request queue of the HB lib with
// its deadlines and holds.

import type { Mutation } from './mutation.ts'

const CLOCK = 'src/system/clock.ts'
const TICKER = 'src/node/ticker.ts'
const CRANK = 'src/lib/crank.ts'
const QUEUE = 'src/lib/queue.ts'

export const TIME_MUTATIONS: readonly Mutation[] = [
  {
    name: 'alarm-early',
    weakens: 'An alarm fires up to a second before its time.',
    file: CLOCK,
    from: 'alarm.at > now)',
    to: 'alarm.at > now + 1_000)',
  },
  {
    name: 'alarm-twice',
    weakens: 'An alarm is sent twice.',
    file: CLOCK,
    from: "    messages.push({ ...notice(owner, 'Alarm', told), hops: alarmHops, count })\n",
    to: `    const sent = { ...notice(owner, 'Alarm', told), hops: alarmHops, count }
    messages.push(sent, sent)\n`,
  },
  {
    name: 'missed-made-up',
    weakens: 'An alarm that repeats makes up each of the times that it missed.',
    file: CLOCK,
    from: 'postponeFirst(state, at + (missed + 1) * every)',
    to: 'postponeFirst(state, at + every)',
  },
  {
    name: 'repeat-lost',
    weakens: 'An alarm that repeats is sent once.',
    file: CLOCK,
    from: 'if (every === 0) {',
    to: 'if (every >= 0) {',
  },
  {
    name: 'alarm-of-anybody',
    weakens: 'A wallet may set alarms, and so wake whom it will.',
    file: CLOCK,
    from: "if (action.from === 'process') return action.caller",
    to: "if (action.from !== 'genesis') return action.caller",
  },
  {
    name: 'ticker-forgets',
    weakens: 'A ticker that takes over waits for what the clock says next: it looks nothing up.',
    file: TICKER,
    from: 'this.#due = this.#learn()',
    to: 'this.#due = Infinity',
  },
  {
    name: 'ticker-sleeps-on',
    weakens: 'A ticker is not woken by an alarm that is due before what it waits for.',
    file: TICKER,
    from: '    this.#due = said\n    this.#vain = 0\n    this.#wake()\n',
    to: '    this.#due = said\n    this.#vain = 0\n',
  },
  {
    name: 'late-reply-resumes',
    weakens: 'A task that ended stays in the queue: what comes later resumes it again.',
    file: QUEUE,
    from: '  delete queue.tasks[number]\n  queue.open -= 1\n',
    to: '  queue.open -= 1\n',
  },
  {
    name: 'deadline-after-reply',
    weakens: 'A task that was answered is resumed by its deadline too.',
    file: CRANK,
    from: '= take(queue, number)\n  const answers',
    to: `=
    outcome === 'expired' ? take(queue, number) : (queue.tasks[number] as Task)
  const answers`,
  },
  {
    name: 'parts-left-open',
    weakens: 'A join that ended leaves the parts open that it did not wait for.',
    file: CRANK,
    from: '    if (taskOf(queue, waiting) !== undefined) take(queue, waiting)\n',
    to: '    if (waiting === number) take(queue, waiting)\n',
  },
  {
    name: 'deadline-believed',
    weakens: 'Anybody may say that a task is due, whether it is or not.',
    file: 'src/lib/deadlines.ts',
    from: `  if (queue.self !== message.caller) return undefined
  const number = tag(message, 'X-Deadline')
  // told, and not linked again since
  const task = number === undefined ? undefined : taskOf(queue, number)
  return task?.told === undefined || task.due !== undefined ? undefined : number
`,
    to: `  const number = tag(message, 'X-Deadline')
  const task = number === undefined ? undefined : taskOf(queue, number)
  return task === undefined ? undefined : number
`,
  },
  {
    name: 'hold-refunded-twice',
    weakens: 'A hold that was committed or refunded is refunded by its deadline too.',
    file: 'src/lib/requests.ts',
    from: '? take(queue, number) : undefined',
    to: '? task : undefined',
  },
]
