// Weakenings of the sequencer, and of what judges order for everybody (R1, R2, R3).

import type { Mutation } from './mutation.ts'

const CORE = 'src/sequencer/core.ts'
const CHAIN = 'src/sequencer/chain.ts'
const PARTITION = 'src/sequencer/partition.ts'
const ACCEPT = 'src/protocol/accept.ts'

export const SEQUENCER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'dedup-skipped',
    weakens: "A wallet's message that has a place already is ordered again.",
    file: CORE,
    from: "      if (place !== undefined) return { type: 'repeat', place }\n",
    to: '',
  },
  {
    name: 'listed-end-believed',
    weakens: 'A log whose listed end is lower than what was read counts as shorter at once.',
    file: 'src/log/resume/index.ts',
    from: 'const deadline = clock.now() + options.logEndWaitMsMax',
    to: 'const deadline = clock.now()',
  },
  {
    name: 'listed-end-settles',
    weakens: 'An unclear append is settled when the listed end has grown by as much.',
    file: CHAIN,
    from: `      this.#o.figures.unclear += 1
      return 'unclear'
    }
    if (base !==`,
    to: `      const end = (await this.#o.log.ends(this.#o.topic))[this.#o.partition]?.end ?? 0
      if (end < this.#tail.next + batch.length) return 'unclear'
      base = this.#tail.next
    }
    if (base !==`,
  },
  {
    name: 'settled-anywhere',
    weakens: 'An append is settled wherever it landed, not only at the end that was known.',
    file: CHAIN,
    from: 'if (base !== this.#tail.next) {',
    to: 'if (base < 0) {',
  },
  {
    name: 'batches-out-of-turn',
    weakens: 'Batches are decided as soon as they are checked, not one after another.',
    file: PARTITION,
    from: 'const done = this.#turn.then(async () => this.#order(await checked))',
    to: 'const done = checked.then((each) => this.#order(each))',
  },
  {
    name: 'batch-behind-failed-decided',
    weakens: 'After a batch that failed, the one behind it is decided all the same.',
    file: PARTITION,
    from: 'this.#turn = done\n',
    to: 'this.#turn = done.catch(() => undefined)\n',
  },
  {
    name: 'refused-by-the-clock',
    weakens: "A message's Expires is judged by the machine's clock, not by settled log time.",
    file: PARTITION,
    from: 'settledTime: chain.view.timestamp',
    to: 'settledTime: Math.max(chain.view.timestamp, clock.now())',
  },
  {
    name: 'committed-unsettled',
    weakens: 'A batch of ingress is committed when it was checked.',
    file: PARTITION,
    from: 'done.catch(() => undefined)\n    return done\n',
    to: 'done.catch(() => undefined)\n    return checked.then(() => undefined)\n',
  },
  {
    name: 'unclear-settled',
    weakens: 'An append whose outcome is unclear counts as settled.',
    file: CHAIN,
    from: `      this.#o.figures.unclear += 1
      return 'unclear'
    }
    if (base !==`,
    to: `      base = this.#tail.next
    }
    if (base !==`,
  },
  {
    name: 'unclear-not-written',
    weakens: 'After an unclear append its messages are ordered again without a claim.',
    file: PARTITION,
    from: '      await chain.claim(true)\n',
    to: '',
  },
  {
    name: 'unclear-refused',
    weakens: 'A message of an unclear append may be refused as expired while nothing is settled.',
    file: CORE,
    from: 'if (isExpired(message, context.settledTime) && !candidate.unclear) {',
    to: 'if (isExpired(message, candidate.unclear ? context.now : context.settledTime)) {',
  },
  {
    name: 'owner-not-asked',
    weakens: 'After anything unclear the group is not asked who owns the partition.',
    file: CHAIN,
    from: 'if (mustConfirm && !(await this.#o.owns())) {',
    to: 'if (this.#o.partition < 0) {',
  },
  {
    name: 'time-not-monotone',
    weakens: "An entry's timestamp is what the machine's clock shows, even if it went back.",
    file: CORE,
    from: 'timestamp: Math.max(view.timestamp, now)',
    to: 'timestamp: now',
  },
  {
    name: 'superseded-counted',
    weakens: 'A superseded record takes a height.',
    file: 'src/sequencer/tail.ts',
    from: "} else if (read.type === 'superseded') this.#figures.superseded += 1\n",
    to: "} else if (read.type === 'superseded') this.#view.height += 1\n",
  },
  {
    name: 'index-older-than-view',
    weakens: 'The ids are written in a transaction behind that of the view.',
    file: 'src/sequencer/id-index.ts',
    from: 'await this.#store.write(ops)\n',
    to: `const isView = ({ key }: StoreOp): boolean => key === \`\${this.#prefix}v\`
    await this.#store.write(ops.filter(isView))
    await this.#store.write(ops.filter((op) => !isView(op)))\n`,
  },
  {
    name: 'ingress-trimmed-unread',
    weakens: 'Ingress is trimmed to its end, not to what the sequencers have committed.',
    file: 'src/sequencer/trim.ts',
    from: 'const before = committed[partition]\n',
    to: 'const before = committed[partition] && ends[partition]?.end\n',
  },
  {
    name: 'gap-accepted',
    weakens: "A process's message is accepted though one before it in its channel is missing.",
    file: ACCEPT,
    from: "return origin.seq === last + 1 ? undefined : 'gap'",
    to: 'return undefined',
  },
  {
    name: 'duplicate-accepted',
    weakens: "A process's message is accepted again.",
    file: ACCEPT,
    from: "if (origin.seq <= last) return 'duplicate'\n  return origin.seq === last + 1",
    to: 'return origin.seq <= last + 1',
  },
  {
    name: 'counter-forgotten',
    weakens: 'An accepted message does not move the counter of its channel.',
    file: ACCEPT,
    from: '  if (origin !== undefined) view.counters[origin.partition] = origin.seq\n',
    to: '',
  },
]
