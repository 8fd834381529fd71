// The roles of a node, for commands: named here so that help need not load a node.

import type { Role } from '../node/index.ts'

export const ROLES = ['sequencer', 'dre', 'relayer'] as const satisfies readonly Role[]
