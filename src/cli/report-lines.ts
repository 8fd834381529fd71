// Reports of a running node on stderr: one JSON line each for programs, or a line for people.
//
// JSON: {"time": ISO 8601 in UTC, "level", "event", "text", then the event's fields}. Invariants:
// L1 a report is exactly one line. L2 nothing of a report drives a terminal.

import { Option, type Command } from 'commander'
import { systemClock } from '../std/clock.ts'
import type { Level, Report } from '../std/reporter.ts'
import { LEVELS, Reporter } from '../std/reporter.ts'
import { jsonForTerminal, printable, type Terminal } from './terminal.ts'

export const LOG_FORMATS = ['human', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** What is said unless another level is asked for: people see what needs them. */
const LEVEL: Readonly<Record<LogFormat, Level>> = { human: 'warn', json: 'info' }

export type LogOptions = { readonly logFormat?: LogFormat; readonly logLevel?: Level }

/** How a program that goes on says what it does. */
export function logOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--log-format <format>',
        'of what it says on stderr (default: human on a terminal, else json)',
      ).choices(LOG_FORMATS),
    )
    .addOption(
      new Option(
        '--log-level <level>',
        'what it says; SIGUSR2 changes to debug and back (default: human warn, json info)',
      ).choices(LEVELS),
    )
}

export type NodeReporting = {
  readonly format: LogFormat
  readonly reporter: Reporter
  /** Ends the listening to the signal. */
  close(): void
}

/**
 * `format`: default human on a terminal, else json. SIGUSR2 changes between the level asked for and
 * debug.
 */
export function reportTo(terminal: Terminal, given: LogOptions): NodeReporting {
  const format = given.logFormat ?? (terminal.isInteractive ? 'human' : 'json')
  const level = given.logLevel ?? LEVEL[format]
  const line = format === 'json' ? jsonLine : humanLine
  const reporter = new Reporter(level, (report) => terminal.err(line(report)))
  const close = terminal.onDebugSignal(() => {
    reporter.level = reporter.level === 'debug' ? level : 'debug'
    reporter.info('log-level-changed', `log level: ${reporter.level}`, { to: reporter.level })
  })
  return { format, reporter, close }
}

function jsonLine({ level, event, text, fields }: Report): string {
  const time = new Date(systemClock.now()).toISOString()
  return jsonForTerminal({ time, level, event, text, ...fields })
}

function humanLine({ level, text }: Report): string {
  const before = level === 'warn' ? 'warning: ' : level === 'debug' ? 'debug: ' : ''
  return printable(`${before}${text}`)
}
