// How a network stands, put together from what its nodes say of themselves and, on brokers, from
// the positions of its groups. Pure: commands/status.ts asks and prints.

import type { NodeHealth, Waiting } from '../client/index.ts'
import type { Holding, Role } from '../node/index.ts'
import { ROLES } from './roles.ts'

type Waits = { readonly waiting: readonly Waiting[] }

/** Without `health`, what asking the node failed with. */
export type NodeAnswer =
  | { readonly address: string; readonly health: NodeHealth & Partial<Waits> }
  | { readonly address: string; readonly error: string }

/** Records that a role's group has not committed, by partition; undefined: it cannot be told. */
export type Lags = Readonly<Record<Role, readonly (number | undefined)[]>>

export type Owner = { readonly address: string; readonly holding: Holding }

export type StandbyCopy = {
  readonly role: Role
  readonly address: string
  /** Records; null: it has only begun. */
  readonly lag: number | null
}

/** By the node at this address. */
export type Told = { readonly address: string; readonly code: string; readonly text: string }

export type PartitionStatus = {
  readonly partition: number
  /** Who has it; undefined: nobody who was asked. */
  readonly owners: Readonly<Partial<Record<Role, Owner>>>
  readonly standbys: readonly StandbyCopy[]
  /** Last settled height of the log, and last evaluated one; −1: none. */
  readonly height: number
  readonly evaluated: number
  /** On brokers. */
  readonly lag?: Readonly<Partial<Record<Role, number>>>
  readonly halted: readonly Told[]
  /** Whose ingress waits for a schema registry: it stands still as well, and goes on by itself. */
  readonly schemaAwaited: readonly Told[]
  /** How far its state is read, where a node opens it. */
  readonly restoring: readonly Restoring[]
}

/** `read` of so many records of a topic; `etaMs`: at the pace so far. */
export type Restoring = Omit<Waiting, 'what' | 'partition' | 'code'> & { readonly address: string }

export type NetworkStatus = {
  /** Every partition is open at a node for each role, and none is halted. */
  readonly ok: boolean
  readonly network: string | undefined
  readonly nodes: readonly NodeAnswer[]
  readonly partitions: readonly PartitionStatus[]
}

/** Whoever is first in it has the partition rather than the others. */
const HAVING: readonly Holding[] = ['open', 'halted', 'opening', 'closing']

export function networkStatus(nodes: readonly NodeAnswer[], lags?: Lags): NetworkStatus {
  const up = nodes.flatMap((node) => ('health' in node ? [node] : []))
  const count = Math.max(0, ...up.map(({ health }) => health.partitions.length))
  const partitions = Array.from({ length: count }, (_, at) => partitionStatus(at, up, lags))
  const ok =
    count > 0 &&
    partitions.every(({ owners, halted }) => {
      return halted.length === 0 && ROLES.every((role) => owners[role]?.holding === 'open')
    })
  return { ok, network: up[0]?.health.network, nodes, partitions }
}

function partitionStatus(
  partition: number,
  up: readonly Extract<NodeAnswer, { health: unknown }>[],
  lags: Lags | undefined,
): PartitionStatus {
  const owners: Partial<Record<Role, Owner>> = {}
  const standbys: StandbyCopy[] = []
  const halted: Told[] = []
  const schemaAwaited: Told[] = []
  const restoring: Restoring[] = []
  let [height, evaluated] = [-1, -1]
  for (const { address, health } of up) {
    const part = health.partitions[partition]
    if (part === undefined) continue
    height = Math.max(height, part.height)
    evaluated = Math.max(evaluated, part.evaluated)
    if (part.halted !== undefined) halted.push({ address, ...part.halted })
    if (part.schemaAwaited !== undefined) schemaAwaited.push({ address, ...part.schemaAwaited })
    for (const { what, partition: of, code: _, ...rest } of health.waiting ?? []) {
      if (what === 'opening' && of === partition) restoring.push({ address, ...rest })
    }
    for (const role of ROLES) {
      const holding = part[role]
      const lag = part.standbyLag?.[role]
      if (lag !== undefined) standbys.push({ role, address, lag })
      if (rank(holding) < rank(owners[role]?.holding)) owners[role] = { address, holding }
    }
  }
  const rest = lags === undefined ? {} : { lag: lagsOf(partition, lags) }
  const told = { halted, schemaAwaited, restoring }
  return { partition, owners, standbys, height, evaluated, ...rest, ...told }
}

function rank(holding: Holding | undefined): number {
  const at = holding === undefined ? -1 : HAVING.indexOf(holding)
  return at < 0 ? HAVING.length : at
}

function lagsOf(partition: number, lags: Lags): Partial<Record<Role, number>> {
  const all: Partial<Record<Role, number>> = {}
  for (const role of ROLES) {
    const lag = lags[role][partition]
    if (lag !== undefined) all[role] = lag
  }
  return all
}
