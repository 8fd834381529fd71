// The roles of a node, made of its options: each on the log as `Ownership` shows it, telling those
// who wait.

import type { Network } from '../protocol/genesis.ts'
import type { Result } from '../protocol/result.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import { SequencerService } from '../sequencer/index.ts'
import { DreService } from '../dre/index.ts'
import { RelayerService } from '../relayer/index.ts'
import type { Store } from '../store/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import type { Verifier } from '../verifier/port.ts'
import type { NodeOptions, Services } from './node.ts'
import type { Meters } from './metrics/meters.ts'
import type { Ownership, Role } from './ownership.ts'
import type { NodeReports } from './reports.ts'
import type { Waits } from './waits.ts'

export type Shared = {
  readonly network: Network
  readonly clock: Clock
  /** There is one where the DRE is a role. */
  readonly evaluator: Evaluator | undefined
  readonly verifier: Verifier
  readonly waits: Waits
  readonly ownership: Ownership
  readonly meters: Meters
  readonly reports: NodeReports
  readonly tracing: Tracing
  /** New results of a partition are stored. */
  readonly evaluated: (partition: number, results: readonly Result[]) => void
}

type Common = {
  readonly network: Network
  readonly clock: Clock
  readonly tracing: Tracing
  readonly applicationId: string
  readonly address?: string
}

export function makeRoles(options: NodeOptions, shared: Shared): Services {
  const { network, clock, ownership, tracing } = shared
  const { applicationId = 'hb', address } = options
  const at = address === undefined ? {} : { address }
  const common: Common = { network, clock, tracing, applicationId, ...at }
  const has = (role: Role): boolean => ownership.roles.includes(role)
  return {
    sequencer: has('sequencer') ? makeSequencer(options, shared, common) : undefined,
    dre: has('dre') ? makeDre(options, shared, common) : undefined,
    relayer: has('relayer') ? makeRelayer(options, shared, common) : undefined,
  }
}

function makeSequencer(options: NodeOptions, shared: Shared, common: Common): SequencerService {
  const { limits = {}, standbys, schemas } = options
  const { waits, ownership, verifier, meters, reports } = shared
  return new SequencerService({
    ...common,
    log: meters.metered('sequencer', ownership.watched('sequencer')),
    store: needed('sequencer', options.sequencerStore),
    verifier,
    ...(schemas !== undefined && { schemas }),
    ...(standbys !== undefined && { standbys }),
    ...(limits.sequencer && { limits: limits.sequencer }),
    listener: {
      settled: (partition, entries) => {
        for (const { message } of entries) waits.reached(message.id, 'sequenced')
        reports.settled(partition, entries)
      },
      repeated: (id) => waits.reached(id, 'sequenced'),
      refused: (id, error) => {
        waits.refused(id, error)
        reports.refused('sequencer', error, id)
      },
      halted: halt(options, shared, 'sequencer'),
      standbyFailed: standbyFailed(options, shared, 'sequencer'),
      schemaAwaited: (partition, error) => reports.schemaAwaited(partition, error),
    },
  })
}

function makeDre(options: NodeOptions, shared: Shared, common: Common): DreService {
  const { limits = {}, standbys } = options
  const { waits, ownership, evaluator, evaluated, meters, reports } = shared
  return new DreService({
    ...common,
    log: meters.metered('dre', ownership.watched('dre')),
    store: needed('dre', options.dreStore),
    evaluator: needed('dre', evaluator),
    ...(standbys !== undefined && { standbys }),
    ...(limits.dre && { limits: limits.dre }),
    listener: {
      results: (partition, results) => {
        for (const { messageId } of results) waits.reached(messageId, 'result')
        evaluated(partition, results)
        reports.evaluated(partition, results)
      },
      halted: halt(options, shared, 'dre'),
      standbyFailed: standbyFailed(options, shared, 'dre'),
    },
  })
}

/** It has no state that a standby could keep warm: so it asks for none. */
function makeRelayer(options: NodeOptions, shared: Shared, common: Common): RelayerService {
  const { limits = {} } = options
  const { ownership, meters } = shared
  return new RelayerService({
    ...common,
    log: meters.metered('relayer', ownership.watched('relayer')),
    ...(limits.relayer && { limits: limits.relayer }),
    onHalted: halt(options, shared, 'relayer'),
  })
}

function standbyFailed(options: NodeOptions, { reports }: Shared, role: Role) {
  return (partition: number, error: unknown): void => {
    reports.standbyFailed(role, partition, error)
    options.onStandbyFailed?.(role, partition, error)
  }
}

function halt(options: NodeOptions, { ownership, reports }: Shared, role: Role) {
  return (partition: number, error: unknown): void => {
    ownership.halted(role, partition, error)
    reports.halted(role, partition, error)
    options.onHalted?.(role, partition, error)
  }
}

function needed<T extends Store | Evaluator>(role: Role, part: T | undefined): T {
  if (part === undefined) throw new HbError('internal-error', `the role ${role} has no store`)
  return part
}
