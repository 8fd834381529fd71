// What is checked after every step of a run: one watcher per invariant, fed from the brokers'
// hooks, from what nodes answer, and from looking at the nodes about once a virtual second.
// docs/internals/simulation.md says how to add one.
//
// Owners: run.ts. Invariants: I1 watching plans no event and draws nothing: the trace is the same
// without. I2 after the first violation nothing more is judged: what follows from it is noise.

import type { StoredRecord } from '../../../src/log/port.ts'
import type { MessageStatus } from '../../../src/node/index.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import type { Tell, Violation } from '../../chaos/checker/index.ts'
import type { ClusterObserver, Partition } from '../broker/cluster.ts'
import type { World } from '../world/world.ts'
import { SECOND } from '../world/world.ts'
import { channelsInOrder } from './channels.ts'
import { fundsConserved } from './funds.ts'
import { Known } from './known.ts'
import { offsetsNeverPassEffects } from './offsets.ts'
import { chainUnbroken, expiryByLogTime, oneMessageOnePlace } from './placement.ts'
import { readersAgree, receiptsHold } from './placement.ts'
import { queuesBounded } from './queues.ts'
import { resultsFinal } from './results.ts'
import type { Happening, Invariant, Saw, Watcher } from './watch.ts'

export const INVARIANTS = {
  'one-message-one-place': oneMessageOnePlace,
  'chain-unbroken': chainUnbroken,
  'channels-in-order': channelsInOrder,
  'receipts-hold': receiptsHold,
  'expiry-by-log-time': expiryByLogTime,
  'results-final': resultsFinal,
  'funds-conserved': fundsConserved,
  'queues-bounded': queuesBounded,
  'readers-agree': readersAgree,
  'offsets-never-pass-effects': offsetsNeverPassEffects,
} as const satisfies Readonly<Record<string, Invariant>>

export type InvariantName = keyof typeof INVARIANTS

/** Hears of each happening before it is judged. */
export type OnHappening = (happening: Happening, network: Network) => void

const NAMES = topicNames('hb')

export class Invariants implements ClusterObserver {
  readonly known: Known
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #onHappening: OnHappening | undefined
  readonly #watchers: readonly Watcher[]

  constructor(world: World, network: Network, onHappening?: OnHappening) {
    this.#world = world
    this.#onHappening = onHappening
    this.known = new Known(network)
    const saw: Saw = (situation) => world.saw(situation)
    this.#watchers = Object.entries(INVARIANTS).map(([invariant, watch]) => {
      const tell: Tell = (violation) => {
        const at = `${(world.now / SECOND).toFixed(6)} s: ${violation.text}`
        this.violations.push({ invariant, ...violation, text: at })
      }
      return watch(this.known, tell, saw)
    })
  }

  appended({ topic, index }: Partition, records: readonly StoredRecord[]): void {
    const { name } = topic.spec
    for (const record of records) {
      this.happen({ type: 'appended', topic: name, partition: index, record })
    }
  }

  committed(group: string, { topic, index }: Partition, next: number): void {
    this.happen({ type: 'committed', group, topic: topic.spec.name, partition: index, next })
  }

  trimmed({ topic, index, start }: Partition): void {
    this.happen({ type: 'trimmed', topic: topic.spec.name, partition: index, start })
  }

  /** Of what a node gives as an answer, what says where a message is. */
  heard(node: string, value: unknown): void {
    if (typeof value !== 'object' || value === null || !('stage' in value)) return
    this.happen({ type: 'status', node, status: value as MessageStatus })
  }

  happen(happening: Happening): void {
    this.#onHappening?.(happening, this.known.network)
    try {
      this.#take(happening)
    } catch (error) {
      // what a watcher throws is no failure of the brokers
      this.#world.fail(error)
    }
  }

  #take(happening: Happening): void {
    switch (happening.type) {
      case 'appended':
        return this.#record(happening.topic, happening.partition, happening.record)
      case 'committed':
        return this.#tell((watcher) => watcher.committed?.(happening))
      case 'trimmed':
        return this.#tell((watcher) => watcher.trimmed?.(happening))
      case 'status':
        return this.#tell((watcher) => watcher.status?.(happening.node, happening.status))
      case 'state':
        return this.#tell((watcher) => watcher.state?.(happening.node, happening.state))
      case 'process':
        return this.#tell((watcher) => watcher.process?.(happening.node, happening.process))
      case 'health':
        return this.#tell((watcher) => watcher.health?.(happening.node, happening.health))
      case 'high':
        return this.#tell((watcher) => watcher.high?.(happening))
    }
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
    else if (topic === NAMES.deadletters) {
      const fact = known.letter(record)
      this.#tell((watcher) => watcher.letter?.(fact))
    } else if (topic === NAMES.registry || topic === NAMES.snapshots) {
      const head = known.head(record)
      if (head !== undefined) this.#tell((watcher) => watcher.head?.(head))
    }
  }

  #tell(act: (watcher: Watcher) => void): void {
    for (const watcher of this.#watchers) {
      if (this.violations.length > 0) return
      act(watcher)
    }
  }
}
