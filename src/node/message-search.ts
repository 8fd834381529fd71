// Where a message is, whichever nodes know it: its receipt is with the sequencer of its partition,
// its result with the DRE, its refusal in the memory of the sequencer that refused it.
//
// Invariants: M1 what is known here is used first; where nobody else has a part of the answer,
// nobody is asked. M2 what is known only grows: the furthest stage, and each part from whoever has
// it. M3 a wait is rounds: after each it is looked up again who has the partition, so it follows
// one that moves. M4 "never heard of" is said only when everybody who could know was heard.

import { HbError, isHbError } from '../std/errors.ts'
import type { Clock } from '../std/clock.ts'
import type { MessageStatus } from './api.ts'
import type { PeerLimits } from './peer-limits.ts'
import type { Peers } from './peers.ts'
import type { Routes } from './routes.ts'
import type { Stage, Waits } from './waits.ts'

export type MessageSearchOptions = {
  readonly clock: Clock
  readonly waits: Waits
  readonly routes: Routes
  readonly peers: Peers
  readonly limits: PeerLimits
  /** What this node knows. */
  readonly local: (id: string) => MessageStatus | undefined
}

type Known = MessageStatus | undefined
type Target = { readonly address: string; readonly stage: Stage }

export class MessageSearch {
  readonly #o: MessageSearchOptions

  constructor(options: MessageSearchOptions) {
    this.#o = options
  }

  /** Undefined: nobody ever heard of it. Errors: who could know did not answer. */
  async find(id: string): Promise<Known> {
    const { local, routes, peers } = this.#o
    const here = local(id)
    if (isFinal(here)) return this.#complete(id, here)
    const { targets, isWhole } = await this.#targets(id, here, 'result')
    const asked = targets.map(({ address }) => peers.message(address, id))
    const answers = await Promise.allSettled(asked)
    let known: Known = merged(here, local(id))
    for (const answer of answers) {
      if (answer.status === 'fulfilled') known = merged(known, answer.value)
    }
    if (known !== undefined) return this.#complete(id, known)
    const failed = answers.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') {
      routes.doubt()
      throw failed.reason
    }
    if (!(await isWhole())) throw new HbError('process-unserved', `who could know ${id}`)
    return undefined
  }

  /** Until the stage, the timeout, or the node closes: where it is then. */
  async waitFor(id: string, stage: Stage, timeoutMs: number): Promise<MessageStatus> {
    const { clock, waits, local } = this.#o
    const pending: MessageStatus = { id, stage: 'pending' }
    let known: Known = local(id)
    if (isAt(known, stage)) return (await this.#complete(id, known)) ?? pending
    if (timeoutMs <= 0) return known ?? pending
    const end = clock.now() + timeoutMs
    return waits.counted(async () => {
      for (;;) {
        known = await this.#round(id, stage, known, end - clock.now())
        if (isAt(known, stage)) return (await this.#complete(id, known)) ?? pending
        if (waits.closed || clock.now() >= end) return known ?? pending
      }
    })
  }

  /** One look at everybody who may know, for so long as nobody knows enough. */
  async #round(id: string, stage: Stage, before: Known, leftMs: number): Promise<Known> {
    const { waits, limits, local } = this.#o
    const timeoutMs = Math.min(leftMs, limits.peerRoundMs)
    const stop = new AbortController()
    const { signal } = stop
    let known = before
    const take = (more: Known): void => {
      known = merged(known, more)
      if (isAt(known, stage)) stop.abort()
    }
    // before anybody else is looked for: what is here may come while the log is asked for members
    const here = waits.until(id, stage, timeoutMs, signal).then(() => take(local(id)))
    take(local(id))
    if (!signal.aborted) {
      const { targets } = await this.#targets(id, known, stage)
      await this.#ask(id, targets, { timeoutMs, signal, here, take })
    }
    await here
    return known
  }

  /** Resolves when `here` did, and all targets answered or were given up. */
  async #ask(
    id: string,
    targets: readonly Target[],
    round: {
      readonly timeoutMs: number
      readonly signal: AbortSignal
      readonly here: Promise<void>
      readonly take: (more: Known) => void
    },
  ): Promise<void> {
    if (targets.length === 0) return
    const { clock, peers, routes, limits } = this.#o
    const { timeoutMs, here, take } = round
    const stop = new AbortController()
    const answered = new AbortController()
    const end = (): void => stop.abort()
    if (round.signal.aborted) end()
    round.signal.addEventListener('abort', end, { once: true })
    const asks = targets.map(async ({ address, stage }) => {
      const wait = { stage, timeoutMs, signal: stop.signal }
      take(await peers.message(address, id, wait))
    })
    const all = Promise.allSettled(asks)
    void all.then(() => answered.abort())
    await here
    // one that hangs must not hold up the others, nor the wait's own end
    if (!stop.signal.aborted) await clock.sleep(limits.peerGraceMs, answered.signal)
    end()
    const failed = (await all).filter((each) => each.status === 'rejected')
    const bug = failed.find(({ reason }) => !isHbError(reason))
    if (bug !== undefined) throw bug.reason
    // given up because somebody else knew enough is no fault
    if (failed.length > 0 && !round.signal.aborted) routes.doubt()
  }

  /** A result without the receipt that another node may have: asked for once, not waited for. */
  async #complete(id: string, known: Known): Promise<Known> {
    const partition = known?.result?.partition
    if (partition === undefined || known?.receipt !== undefined) return known
    const owner = await this.#o.routes.owner('sequencer', partition)
    if (owner === undefined || owner === 'here') return known
    try {
      return merged(known, await this.#o.peers.message(owner, id))
    } catch (error) {
      if (!isHbError(error)) throw error
      return known
    }
  }

  /** Who else may know. `isWhole`: there is nobody besides whom one cannot ask. */
  async #targets(
    id: string,
    known: Known,
    stage: Stage,
  ): Promise<{ targets: readonly Target[]; isWhole: () => Promise<boolean> }> {
    const { routes, waits } = this.#o
    const partition = known?.receipt?.partition ?? waits.pendingIn(id)
    if (partition === undefined) {
      const targets = (await routes.others()).map((address) => ({ address, stage }))
      const isWhole = async (): Promise<boolean> =>
        (await routes.isWhole('dre')) && (await routes.isWhole('sequencer'))
      return { targets, isWhole }
    }
    const targets = new Map<string, Stage>()
    const sequencer = known?.receipt ? 'here' : await routes.owner('sequencer', partition)
    if (sequencer !== undefined && sequencer !== 'here') targets.set(sequencer, 'sequenced')
    const dre = stage === 'result' ? await routes.owner('dre', partition) : 'here'
    if (dre !== undefined && dre !== 'here') targets.set(dre, 'result')
    const isWhole = (): Promise<boolean> =>
      Promise.resolve(sequencer !== undefined && dre !== undefined)
    return { targets: [...targets].map(([address, each]) => ({ address, stage: each })), isWhole }
  }
}

/** What two know together: R3 lets them know different parts, never contradictory ones. */
export function merged(one: Known, other: Known): Known {
  if (one === undefined || other === undefined) return one ?? other
  const result = one.result ?? other.result
  const receipt = one.receipt ?? other.receipt
  const refusal = one.refusal ?? other.refusal
  const both = {
    id: one.id,
    ...(receipt !== undefined && { receipt }),
    ...(result !== undefined && { result }),
  }
  if (result !== undefined) return { ...both, stage: 'evaluated' }
  if (receipt !== undefined) return { ...both, stage: 'sequenced' }
  if (refusal !== undefined) return { ...both, stage: 'refused', refusal }
  return { ...both, stage: 'pending' }
}

function isFinal(known: Known): boolean {
  return known?.stage === 'evaluated' || known?.stage === 'refused'
}

function isAt(known: Known, stage: Stage): boolean {
  return isFinal(known) || (stage === 'sequenced' && known?.stage === 'sequenced')
}
