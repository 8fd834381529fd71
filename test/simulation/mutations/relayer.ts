// Weakenings of the relayer, and of how any group's batches are committed (R3, L5 of the log port).

import type { Mutation } from './mutation.ts'

const SERVICE = 'src/relayer/service.ts'
const RESENDER = 'src/relayer/resender.ts'
const PUMP = 'src/log/pump.ts'

export const RELAYER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'relayed-committed-early',
    weakens: 'A batch of the outbox is committed before its messages are durable in ingress.',
    file: SERVICE,
    from: '    await (\n      await planned\n    ).sent\n',
    to: '    ;(await planned).sent.catch(() => undefined)\n',
  },
  {
    name: 'never-sent-again',
    weakens: 'A channel that stands still is not sent again from its counter.',
    file: RESENDER,
    from: '        if (isKnown) await this.#resendStanding()\n',
    to: '',
  },
  {
    name: 'look-back-skipped',
    weakens: 'Who takes an outbox over does not look at what was sent from it before.',
    file: RESENDER,
    from: '        if (before !== undefined) await this.#learnSent(before)\n',
    to: '',
  },
  {
    name: 'committed-out-of-order',
    weakens: 'A batch that has had its effects is committed over one before it that has not.',
    file: PUMP,
    from: 'while (this.#outstanding[0]?.done === true) next = this.#outstanding.shift()?.next',
    to: 'for (const each of this.#outstanding) if (each.done) next = each.next',
  },
  {
    name: 'fenced-commits',
    weakens: 'A member that has lost its partition goes on committing.',
    file: PUMP,
    from: 'if (next !== undefined && !this.#fenced)',
    to: 'if (next !== undefined)',
  },
]
