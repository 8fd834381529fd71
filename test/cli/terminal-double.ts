// A terminal that keeps what a command prints, and a way to run commands in this OS process.

import type { OpenBrokers } from '../../src/cli/context.ts'
import { runCli } from '../../src/cli/run.ts'

export type Ran = {
  readonly code: number
  readonly out: string[]
  readonly err: string[]
  /** How often the program was to end at once, and with what. */
  readonly exits: number[]
}

export function hb(
  args: readonly string[],
  env: Record<string, string> = {},
  signal = new AbortController().signal,
  openBrokers?: OpenBrokers,
): Promise<Ran> {
  return running(args, { env, signal, openBrokers }).done
}

/** A command that goes on: what it printed so far, and its end. */
export function running(
  args: readonly string[],
  options: {
    readonly env?: Record<string, string>
    readonly signal: AbortSignal
    readonly openBrokers?: OpenBrokers | undefined
    /** Given what the signal for debug reports is to call. */
    readonly onDebugSignal?: (listener: () => void) => void
  },
): Omit<Ran, 'code'> & { readonly done: Promise<Ran> } {
  const ran = { out: [] as string[], err: [] as string[], exits: [] as number[] }
  const terminal = {
    out: (line: string) => void ran.out.push(line),
    err: (line: string) => void ran.err.push(line),
    exit: (code: number) => void ran.exits.push(code),
    env: options.env ?? {},
    color: false,
    isInteractive: true,
    onDebugSignal: (listener: () => void) => {
      options.onDebugSignal?.(listener)
      return () => undefined
    },
    signal: options.signal,
  }
  const code = runCli(args, terminal, options.openBrokers)
  return { ...ran, done: code.then((each) => ({ ...ran, code: each })) }
}
