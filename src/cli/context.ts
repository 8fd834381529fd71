// What a command is given besides its own arguments, and where it leaves its exit code.

import type { Terminal } from './terminal.ts'

export type CommandContext = { readonly terminal: Terminal; exitCode: number }
