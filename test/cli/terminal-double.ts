// A terminal that keeps what a command prints, and a way to run commands in this OS process.

import { runCli } from '../../src/cli/run.ts'

export type Ran = { readonly code: number; readonly out: string[]; readonly err: string[] }

export async function hb(
  args: readonly string[],
  env: Record<string, string> = {},
  signal = new AbortController().signal,
): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const terminal = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    env,
    color: false,
    signal,
  }
  const code = await runCli(args, terminal)
  return { code, out, err }
}
