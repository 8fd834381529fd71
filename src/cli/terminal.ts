// Where a command writes to and reads its surroundings from: handed to it, so that tests run
// commands in-process.
// Invariant: stdout carries what was asked for and nothing else; remarks and errors go to stderr.

export type Terminal = {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /**
   * Where stderr is a terminal: shows a text there that the next one takes the place of; '' removes
   * it.
   */
  readonly status?: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** A person reads stderr. */
  readonly isInteractive: boolean
  /** Colours on stdout. */
  readonly color: boolean
  /** Aborted at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Calls back at each SIGUSR2, until the function that it returns is called. */
  readonly onDebugSignal: (listener: () => void) => () => void
  /** Ends the program now, whatever is under way. */
  readonly exit: (code: number) => void
}

export type Paint = {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

export function paint(color: boolean): Paint {
  const style = (on: number, off: number) => (text: string) =>
    color ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
  }
}

/**
 * Text from outside on one line, safe to print: a contract must not drive the terminal. Control and
 * direction characters become visible escapes.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (found) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[found]
    return known ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** JSON for a terminal: the same value, with every control and direction character escaped. */
export function jsonForTerminal(value: unknown, indent?: number): string {
  // line feeds are of the layout only: inside strings JSON has escaped them
  return JSON.stringify(value, null, indent).replace(UNSAFE, (found) =>
    found === '\n' ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/**
 * The terminal of this OS process. The first SIGINT or SIGTERM asks to end; a second one ends at
 * once.
 */
export function processTerminal(): Terminal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
      stop.abort()
    })
  }
  // `hb log tail | head` closes the pipe: nobody listens any more
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    ...(process.stderr.isTTY && {
      status: (text: string) =>
        void process.stderr.write(`\r\u001b[2K${text.slice(0, process.stderr.columns - 1)}`),
    }),
    env: process.env,
    isInteractive: process.stderr.isTTY,
    color:
      process.stdout.isTTY &&
      process.env['NO_COLOR'] === undefined &&
      process.env['TERM'] !== 'dumb',
    signal: stop.signal,
    onDebugSignal: (listener) => {
      process.on('SIGUSR2', listener)
      return () => void process.off('SIGUSR2', listener)
    },
    exit: (code) => process.exit(code),
  }
}
