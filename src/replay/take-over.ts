// Where other code takes over from a process's own: at a height, with the state as it is, or as an
// upgrade behind a slot, with what its `migrate` makes of the state.
//
// Invariants: O1 the entries behind it keep their recorded slots, though an upgrade is an entry
// itself and takes one: what is compared is what both do with the same actions (T1). O2 an upgrade
// is evaluated as a dry run is: nothing is appended, and who may send one is not asked.

import { dryRunMessage } from '../protocol/dry-run.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import type { ManifestHead } from '../protocol/manifest.ts'
import { UPGRADE_TAG } from '../protocol/message.ts'
import type { ModuleRef } from '../protocol/module-ref.ts'
import type { ManifestProcess } from '../protocol/records.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { DryRun, DryRunBasis, Rebuilder, StateText } from '../dre/index.ts'
import { dryRun } from '../dre/index.ts'
import { HbError } from '../std/errors.ts'

/** `behind`: the slot whose state it migrates; `end`: the process's last. */
export type UpgradeAt = {
  readonly behind: number | 'end'
  /** Its time where no entry comes after it that says one, ms. */
  readonly now: number
}

/** What an upgrade would have done; the state before it is `basis.snapshot`. */
export type UpgradeTrial = {
  readonly basis: DryRunBasis
  readonly timestamp: number
  readonly run: DryRun
}

export type TakeOverOptions = {
  readonly process: string
  /** From this height on. */
  readonly from?: number
  readonly upgrade?: UpgradeAt
  readonly to?: number
}

type Accepts = (head: ManifestHead, rows: readonly ManifestProcess[]) => boolean

export class TakeOver {
  readonly #o: TakeOverOptions
  readonly #behind: number
  /** Of the process's last entry before it. */
  #slot = -1

  constructor(options: TakeOverOptions) {
    this.#o = options
    const { behind = 'end' } = options.upgrade ?? {}
    this.#behind = behind === 'end' ? Infinity : behind
  }

  /** Which manifests lie before it; undefined: it is at the process's spawn. */
  get accepts(): Accepts | undefined {
    const { process, from = 0, upgrade, to = Infinity } = this.#o
    if (upgrade === undefined) return from > 0 ? ({ height }) => height < from : undefined
    return ({ height }, rows) => {
      const slot = rows.find((row) => row.process === process)?.slot ?? -1
      return height <= to && slot <= this.#behind
    }
  }

  /** `slot`: of the process where the replay begins. */
  begin(slot: number): void {
    this.#slot = slot
  }

  /** How many of these entries come before it; to be asked for all, in order. */
  before(entries: readonly Entry[]): number {
    const { process, from = 0, upgrade } = this.#o
    for (const [index, { height, message }] of entries.entries()) {
      const isBehind = upgrade === undefined ? height >= from : this.#slot >= this.#behind
      if (isBehind) return index
      if (message.process !== process) continue
      if (this.#slot < 0 && message.kind !== 'spawn') continue
      this.#slot += 1
    }
    return entries.length
  }

  /** At the end of what was read. Throws `state-unknown` where the slot was not reached. */
  checkReached(): void {
    if (this.#behind === Infinity || this.#slot >= this.#behind) return
    const slots = `its last slot is ${this.#slot}`
    throw new HbError('state-unknown', `slot ${this.#behind} of ${this.#o.process}: ${slots}`)
  }
}

/** The upgrade to the code, on a state and in the place of the entry that comes next. */
export async function tryUpgrade(
  { network, evaluator, code }: { network: Network; evaluator: Evaluator; code: ModuleRef },
  own: Rebuilder,
  process: string,
  state: StateText,
  { partition, timestamp }: { partition: number; timestamp: number },
): Promise<UpgradeTrial> {
  const height = state.height + 1
  const place = { process, partition, slot: state.slot, stateHash: state.stateHash, height }
  const saved = { snapshot: state.text, changes: [], timestampMin: 0 }
  const basis = { ...place, ...saved, ...own.codeAt(process, height) }
  const { source, hash } = code
  const message = dryRunMessage(network, process, {
    caller: process,
    from: 'process',
    tags: { [UPGRADE_TAG]: 'Module' },
    data: source === undefined ? { module: hash } : { source },
  })
  const about = { network, evaluator, basis, message, timestamp, withState: true }
  return { basis, timestamp, run: await dryRun({ ...about, name: `upgrade:${process}` }) }
}
