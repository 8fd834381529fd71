// Weakenings of the sink: what it signs, posts, forgets and commits (S1 to S5 of its task).

import type { Mutation } from './mutation.ts'

const TASK = 'connectors/arweave-sink/partition-task.ts'

export const SINK_MUTATIONS: readonly Mutation[] = [
  {
    name: 'committed-before-archived',
    weakens: 'A batch counts as done as soon as anything of its partition is archived.',
    file: TASK,
    from: 'if (next <= this.#archivedNext) return Promise.resolve()',
    to: 'if (this.#archivedNext > 0) return Promise.resolve()',
  },
  {
    name: 'failed-post-durable',
    weakens: 'A post that failed counts as durable.',
    file: TASK,
    from: 'durability, { signal: this.#stop.signal, onReplaced })',
    to: 'durability, { signal: this.#stop.signal, onReplaced }).catch(() => undefined)',
  },
  {
    name: 'pending-forgotten',
    weakens: 'Who comes next does not post what was signed and written down, but signs anew.',
    file: TASK,
    from: '    const pending = this.#pending.read()\n',
    to: '    const pending = [this.#pending.read()].find(() => false)\n',
  },
  {
    name: 'cut-by-count',
    weakens: 'A segment is full when it has so many entries, wherever it began.',
    file: 'src/archive/segment-writer.ts',
    from: 'this.#full = (entry.height + 1) % heightsMax === 0',
    to: 'this.#full = this.length + 1 === heightsMax',
  },
  {
    name: 'previous-not-moved',
    weakens: 'A segment names the one before that it began behind, not the one posted last.',
    file: TASK,
    from: 'const after = { view, previous: prepared.id, next }',
    to: 'const after = { view, previous: place.previous ?? prepared.id, next }',
  },
  {
    name: 'entry-behind-cut-skipped',
    weakens: 'The entry that did not fit into a segment counts as read.',
    file: TASK,
    from: 'return { writer, next, end: expected }',
    to: 'return { writer, next: expected, end: expected }',
  },
]
