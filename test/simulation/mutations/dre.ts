// Weakenings of the DRE: what it evaluates, publishes, records and trims (R4 to R8).

import type { Mutation } from './mutation.ts'

const PUBLISHER = 'src/dre/publisher.ts'
const TRIM = 'src/dre/outbox-trim.ts'
const RUNTIME = 'src/runtime/quickjs/runtime.ts'
const TRANSITION = 'src/protocol/transition.ts'
const OUTBOX = 'src/protocol/outbox.ts'

export const DRE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'state-kept-after-error',
    weakens: 'The state that a message made is kept where its outbox is refused.',
    file: RUNTIME,
    from: 'return this.#dropped(gas, error.code, error.detail.slice(0, ERROR_TEXT_MAX))',
    to: `const kept = context.run(DRIVER.install, stateBytes)
      if (kept !== 0) context.release(kept)
      return { status: 'error', gas, code: error.code, text: error.detail }`,
  },
  {
    name: 'bounce-dropped',
    weakens: "A process is not told that its message was an error.",
    file: TRANSITION,
    from: 'messages: bounces ? [bounce(message, code, text)] : []',
    to: 'messages: bounces ? [] : []',
  },
  {
    name: 'hops-not-reduced',
    weakens: 'A message may cause as many hops as the one that caused it.',
    file: OUTBOX,
    from: 'parent.hops - 1)',
    to: 'parent.hops)',
  },
  {
    name: 'old-state-reopened',
    weakens: 'A process that was closed is opened on its last full state alone.',
    file: 'src/dre/evaluation.ts',
    from: 'unwritten === undefined ? saved.changes :',
    to: 'unwritten === undefined ? [] :',
  },
  {
    name: 'outgoing-forgotten',
    weakens: 'Who goes on from its store numbers the messages of the channels from 1 again.',
    file: 'src/dre/core.ts',
    from: '    outgoing.forEach((seq, partition) => {\n      this.outgoing[partition] = seq\n    })\n',
    to: '    if (outgoing.length === 0) this.outgoing.fill(0)\n',
  },
  {
    name: 'published-from-own-position',
    weakens: 'What is published next follows from the own position, not from the outbox.',
    file: PUBLISHER,
    from: '    this.#next = next\n    this.#offset = offset\n',
    to: `    this.#next = Math.max(next, (this.#o.store.position()?.view.height ?? -1) + 1)
    this.#offset = offset\n`,
  },
  {
    name: 'follower-counts-as-published',
    weakens: "A follower's position says that the outbox holds what only its store holds.",
    file: PUBLISHER,
    from: 'outboxNext: this.#next }',
    to: 'outboxNext: height + 1 }',
  },
  {
    name: 'promoted-without-the-tail',
    weakens: 'Who takes over goes on at the listed end, without reading the tail before it.',
    file: 'src/dre/task.ts',
    from: '    return pipeline.settledNext\n',
    to: '    return (await endsOf(log, topics.log, partition)).end\n',
  },
  {
    name: 'manifest-numbers-mixed-up',
    weakens: 'A restored partition numbers its messages from its incoming counters.',
    file: 'src/dre/restore.ts',
    from: 'outgoing: head.outgoing',
    to: 'outgoing: head.counters',
  },
  {
    name: 'snapshot-too-early',
    weakens: "An interval's delta lacks what its process's last entry changed.",
    file: 'src/dre/intervals.ts',
    from: 'before.slot + 1, row.settledSlot)',
    to: 'before.slot + 1, row.settledSlot - 1)',
  },
  {
    name: 'interval-not-awaited',
    weakens: "Entries of the next interval are evaluated before this one's states are recorded.",
    file: 'src/dre/partition.ts',
    from: 'this.#begun = stretch.endsInterval ? published : begun.then(() => undefined)',
    to: 'this.#begun = begun.then(() => undefined)',
  },
  {
    name: 'outbox-trimmed-unsettled',
    weakens: 'The outbox is trimmed of messages that their targets have not settled.',
    file: 'src/dre/settled-channels.ts',
    from: 'seq <= this.settled(source, target)',
    to: 'seq < this.settled(source, target) + Infinity',
  },
  {
    name: 'furthest-run-trimmed',
    weakens: 'The run that shows how far results are published is trimmed as any other.',
    file: TRIM,
    from: 'before = this.#peak',
    to: 'before = this.#read.offset',
  },
  {
    name: 'outbox-trimmed-unrelayed',
    weakens: 'The outbox is trimmed of runs that the relayers have not committed.',
    file: TRIM,
    from: '(await log.committed(relayerGroup, topic))[partition]',
    to: '(await log.ends(topic))[partition]?.end',
  },
]
