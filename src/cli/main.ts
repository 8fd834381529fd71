// The program `hb`. Everything it does is in run.ts; this file alone touches the OS process.

import { runCli } from './run.ts'
import { processTerminal } from './terminal.ts'

// exitCode, not exit(): what was printed must get out first
process.exitCode = await runCli(process.argv.slice(2), processTerminal())
