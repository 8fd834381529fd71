// The workloads by name, in the order in which they come into genesis.

import { alarms } from './alarms.ts'
import { children } from './children.ts'
import { fanOut } from './fan-out.ts'
import { hostileClients } from './hostile-clients.ts'
import { hostileContracts } from './hostile-contracts.ts'
import { lending } from './lending.ts'
import { marketplace } from './marketplace.ts'
import { spawning } from './spawning.ts'
import { tokens } from './tokens.ts'
import { upgrades } from './upgrades.ts'
import type { Workload } from './workload.ts'

export const WORKLOADS = {
  tokens,
  marketplace,
  spawning,
  'hostile-contracts': hostileContracts,
  'hostile-clients': hostileClients,
  alarms,
  children,
  'fan-out': fanOut,
  lending,
  upgrades,
} as const satisfies Readonly<Record<string, () => Workload>>

export type WorkloadName = keyof typeof WORKLOADS
