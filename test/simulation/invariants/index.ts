// What is checked after every step of a run: one watcher per invariant, fed from the brokers'
// hooks, from what nodes answer, and from looking at the nodes about once a virtual second.
// docs/internals/simulation.md says how to add one.
//
// Owners: run.ts. Invariants: I1 watching plans no event and draws nothing: the trace is the same
// without. I2 after the first violation nothing more is judged: what follows from it is noise.

import type { StoredRecord } from '../../../src/log/port.ts'
import type { MessageStatus, ProcessView, StateView } from '../../../src/node/index.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { ClusterObserver, Partition } from '../broker/cluster.ts'
import type { World } from '../world/world.ts'
import { SECOND } from '../world/world.ts'
import { channelsInOrder } from './channels.ts'
import { fundsConserved } from './funds.ts'
import { Known } from './known.ts'
import { offsetsNeverPassEffects } from './offsets.ts'
import { chainUnbroken, oneMessageOnePlace, readersAgree, receiptsHold } from './placement.ts'
import { queuesBounded } from './queues.ts'
import { resultsFinal } from './results.ts'
import type { Invariant, SeenNode, Watcher } from './watch.ts'

export const INVARIANTS = {
  'one-message-one-place': oneMessageOnePlace,
  'chain-unbroken': chainUnbroken,
  'channels-in-order': channelsInOrder,
  'receipts-hold': receiptsHold,
  'results-final': resultsFinal,
  'funds-conserved': fundsConserved,
  'queues-bounded': queuesBounded,
  'readers-agree': readersAgree,
  'offsets-never-pass-effects': offsetsNeverPassEffects,
} as const satisfies Readonly<Record<string, Invariant>>

export type InvariantName = keyof typeof INVARIANTS

const NAMES = topicNames('hb')

export class Invariants implements ClusterObserver {
  readonly known: Known
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #watchers: readonly Watcher[]

  /** `names`: the invariants that are watched; all of them by default. */
  constructor(
    world: World,
    network: Network,
    names: readonly InvariantName[] = Object.keys(INVARIANTS) as InvariantName[],
  ) {
    this.#world = world
    this.known = new Known(network)
    const saw = (situation: string): void => world.saw(situation)
    this.#watchers = names.map((invariant) => {
      return INVARIANTS[invariant](this.known, (violation) => {
        const at = `${(world.now / SECOND).toFixed(6)} s: ${violation.text}`
        this.violations.push({ invariant, ...violation, text: at })
      }, saw)
    })
  }

  appended({ topic, index }: Partition, records: readonly StoredRecord[]): void {
    for (const record of records) this.#guarded(() => this.#record(topic.spec.name, index, record))
  }

  committed(group: string, { topic, index: partition }: Partition, next: number): void {
    const fact = { group, topic: topic.spec.name, partition, next }
    this.#tell((watcher) => watcher.committed?.(fact))
  }

  trimmed({ topic, index: partition, start }: Partition): void {
    const fact = { topic: topic.spec.name, partition, start }
    this.#tell((watcher) => watcher.trimmed?.(fact))
  }

  /** Of what a node gives as an answer, what says where a message is. */
  heard(node: string, value: unknown): void {
    if (typeof value !== 'object' || value === null || !('stage' in value)) return
    this.status(node, value as MessageStatus)
  }

  status(node: string, status: MessageStatus): void {
    this.#tell((watcher) => watcher.status?.(node, status))
  }

  state(node: string, state: StateView): void {
    this.#tell((watcher) => watcher.state?.(node, state))
  }

  process(node: string, process: ProcessView): void {
    this.#tell((watcher) => watcher.process?.(node, process))
  }

  node(seen: SeenNode): void {
    this.#tell((watcher) => watcher.node?.(seen))
  }

  high(host: string, gauge: string, value: number): void {
    this.#tell((watcher) => watcher.high?.(host, gauge, value))
  }

  #record(topic: string, partition: number, record: StoredRecord): void {
    const { known } = this
    if (topic === NAMES.log) {
      const fact = known.log(partition, record)
      this.#tell((watcher) => watcher.log?.(fact))
    } else if (topic === NAMES.outbox) {
      const fact = known.run(partition, record)
      this.#tell((watcher) => watcher.run?.(fact))
    } else if (topic === NAMES.ingress) known.ingress(partition, record)
    else if (topic === NAMES.deadletters) known.letter(record)
    else if (topic === NAMES.registry || topic === NAMES.snapshots) {
      const head = known.head(record)
      if (head !== undefined) this.#tell((watcher) => watcher.head?.(head))
    }
  }

  #tell(act: (watcher: Watcher) => void): void {
    this.#guarded(() => {
      for (const watcher of this.#watchers) {
        if (this.violations.length > 0) return
        act(watcher)
      }
    })
  }

  /** What a watcher throws is no failure of the brokers. */
  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#world.fail(error)
    }
  }
}
