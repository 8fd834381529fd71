// The roles of a node, made of its options: each on the log as `Ownership` shows it, telling those
// who wait.

import type { Network } from '../protocol/genesis.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import { SequencerService } from '../sequencer/index.ts'
import { DreService } from '../dre/index.ts'
import { RelayerService } from '../relayer/index.ts'
import type { Store } from '../store/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { Verifier } from '../verifier/port.ts'
import type { NodeOptions, Services } from './node.ts'
import type { Ownership, Role } from './ownership.ts'
import type { Waits } from './waits.ts'

export type Shared = {
  readonly network: Network
  readonly clock: Clock
  /** There is one where the DRE is a role. */
  readonly evaluator: Evaluator | undefined
  readonly verifier: Verifier
  readonly waits: Waits
  readonly ownership: Ownership
  /** New results of a partition are stored. */
  readonly evaluated: (partition: number) => void
}

type Common = {
  readonly network: Network
  readonly clock: Clock
  readonly applicationId: string
  readonly address?: string
}

export function makeRoles(options: NodeOptions, shared: Shared): Services {
  const { network, clock, ownership } = shared
  const { applicationId = 'hb', address } = options
  const at = address === undefined ? {} : { address }
  const common: Common = { network, clock, applicationId, ...at }
  const has = (role: Role): boolean => ownership.roles.includes(role)
  return {
    sequencer: has('sequencer') ? makeSequencer(options, shared, common) : undefined,
    dre: has('dre') ? makeDre(options, shared, common) : undefined,
    relayer: has('relayer') ? makeRelayer(options, shared, common) : undefined,
  }
}

function makeSequencer(options: NodeOptions, shared: Shared, common: Common): SequencerService {
  const { limits = {}, standbys, schemas } = options
  const { waits, ownership, verifier } = shared
  return new SequencerService({
    ...common,
    log: ownership.watched('sequencer'),
    store: needed('sequencer', options.sequencerStore),
    verifier,
    ...(schemas !== undefined && { schemas }),
    ...(standbys !== undefined && { standbys }),
    ...(limits.sequencer && { limits: limits.sequencer }),
    listener: {
      settled: (_, entries) => {
        for (const { message } of entries) waits.reached(message.id, 'sequenced')
      },
      repeated: (id) => waits.reached(id, 'sequenced'),
      refused: (id, error) => waits.refused(id, error),
      halted: halt(options, ownership, 'sequencer'),
      schemaAwaited: (partition, error) => options.onSchemaAwaited?.(partition, error),
      standbyFailed: (partition, error) => options.onStandbyFailed?.('sequencer', partition, error),
    },
  })
}

function makeDre(options: NodeOptions, shared: Shared, common: Common): DreService {
  const { limits = {}, standbys } = options
  const { waits, ownership, evaluator, evaluated } = shared
  return new DreService({
    ...common,
    log: ownership.watched('dre'),
    store: needed('dre', options.dreStore),
    evaluator: needed('dre', evaluator),
    ...(standbys !== undefined && { standbys }),
    ...(limits.dre && { limits: limits.dre }),
    listener: {
      results: (partition, results) => {
        for (const { messageId } of results) waits.reached(messageId, 'result')
        evaluated(partition)
      },
      halted: halt(options, ownership, 'dre'),
      standbyFailed: (partition, error) => options.onStandbyFailed?.('dre', partition, error),
    },
  })
}

/** It has no state that a standby could keep warm: so it asks for none. */
function makeRelayer(options: NodeOptions, shared: Shared, common: Common): RelayerService {
  const { limits = {} } = options
  const { ownership } = shared
  return new RelayerService({
    ...common,
    log: ownership.watched('relayer'),
    ...(limits.relayer && { limits: limits.relayer }),
    onHalted: halt(options, ownership, 'relayer'),
  })
}

function halt(options: NodeOptions, ownership: Ownership, role: Role) {
  return (partition: number, error: unknown): void => {
    ownership.halted(role, partition, error)
    options.onHalted?.(role, partition, error)
  }
}

function needed<T extends Store | Evaluator>(role: Role, part: T | undefined): T {
  if (part === undefined) throw new HbError('internal-error', `the role ${role} has no store`)
  return part
}
