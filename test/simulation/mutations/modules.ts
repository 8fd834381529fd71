// Weakenings of children by a salt, modules by their hash, and upgrades (decisions 26 to 28).

import type { Mutation } from './mutation.ts'

const CORE = 'src/dre/core.ts'
const TRANSITION = 'src/protocol/transition.ts'

export const MODULE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'child-of-anybody',
    weakens: "A child's id does not tell whose child it is.",
    file: 'src/protocol/message.ts',
    from: "hashPartsText('hb.child.1', [parent, salt])",
    to: "hashPartsText('hb.child.1', [salt.slice(0, parent.length), salt])",
  },
  {
    name: 'child-in-the-wrong-channel',
    weakens: "A spawn is numbered in the channel of its message's id, not of its child's.",
    file: CORE,
    from: 'const process = targetProcess(id, source, content)',
    to: 'const process = targetProcess(id, source, { ...content, tags: [] })',
  },
  {
    name: 'child-born-again',
    weakens: 'A second spawn of one salt puts a new process in the place of the first.',
    file: TRANSITION,
    from: 'return row === undefined\n      ? prepareSpawn(network, entry, isKnown)',
    to: 'return row === undefined || !row.failed\n      ? prepareSpawn(network, entry, isKnown)',
  },
  {
    name: 'unknown-not-marked',
    weakens: 'A spawn by a hash that its partition does not know is sent as if it did.',
    file: 'src/protocol/module-ref.ts',
    from: 'isKnown(module.hash)) return content',
    to: 'isKnown(module.hash) || content.target === "") return content',
  },
  {
    name: 'known-ahead',
    weakens: 'A module is known from the time that its entry was read, not from its height on.',
    file: CORE,
    from: 'return (this.known.get(hash) ?? Infinity) <= height',
    to: 'return this.known.has(hash) || height < 0',
  },
  {
    name: 'manifest-without-modules',
    weakens: 'A manifest names no modules but those that its processes run.',
    file: 'src/dre/intervals.ts',
    from: 'const modules = [...this.#o.known.keys()].sort()',
    to: 'const modules = [...this.#o.known.keys()].slice(0, 0)',
  },
  {
    name: 'known-not-stored',
    weakens: 'Which modules are known is not written with the entry that made them known.',
    file: 'src/dre/publisher.ts',
    from: 'if (learnt !== undefined) ops.push(this.#o.store.knownOp(learnt, result.height))',
    to: 'if (learnt === "") ops.push(this.#o.store.knownOp(learnt, result.height))',
  },
  {
    name: 'upgrade-from-others',
    weakens: 'Whoever names a process may give it another module.',
    file: TRANSITION,
    from: 'if (!isOwn(message)) return failed',
    to: "if (message.process === '') return failed",
  },
  {
    name: 'failed-upgrade-holds',
    weakens: 'A module whose migration failed is kept.',
    file: 'src/runtime/evaluator/table.ts',
    from: "if (reply.evaluation.status === 'ok') {",
    to: "if (reply.kind === 'evaluated') {",
  },
  {
    name: 'old-module-on-new-state',
    weakens: 'The row of a process that was upgraded says the module that it was spawned with.',
    file: CORE,
    from: '    row.module = module.hash\n',
    to: '    if (slot === 0) row.module = module.hash\n',
  },
  {
    name: 'migration-skipped',
    weakens: 'A process that is upgraded goes on with the new module and its state as it was.',
    file: 'src/runtime/evaluator/table.ts',
    from: "command.kind === 'upgrade' ? 'migrate' : 'evaluate'",
    to: "command.kind === 'upgrade' ? 'evaluate' : 'evaluate'",
  },
]
