// What a node says of itself while it runs, for those who operate it: events with a level and
// fields, to whoever writes them down.
//
// Owners: who starts a node makes one, and says where reports go; all others are handed it.
// Invariants: E1 what is below the level costs a comparison: what is costly to say is said behind
// `is`. E2 a report holds ids, places, codes and texts of errors; never a key, a password, or what
// a message carries.

export const LEVELS = ['error', 'warn', 'info', 'debug'] as const
/** error: somebody must act. warn: it mends itself, or somebody should look. info: what moves. */
export type Level = (typeof LEVELS)[number]

export type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>

export type Report = {
  readonly level: Level
  /** Kebab-case, one for each kind of event: for programs. */
  readonly event: string
  /** For people. */
  readonly text: string
  /** `role`, `partition`, `message`, `process`, `code` where one is concerned; others by event. */
  readonly fields: Fields
}

export class Reporter {
  /** What is less urgent is not reported; may be changed at any time. */
  level: Level
  readonly #write: (report: Report) => void

  /** `write` is called synchronously and must not throw. */
  constructor(level: Level, write: (report: Report) => void) {
    this.level = level
    this.#write = write
  }

  is(level: Level): boolean {
    return LEVELS.indexOf(level) <= LEVELS.indexOf(this.level)
  }

  error(event: string, text: string, fields: Fields = {}): void {
    this.#report('error', event, text, fields)
  }

  warn(event: string, text: string, fields: Fields = {}): void {
    this.#report('warn', event, text, fields)
  }

  info(event: string, text: string, fields: Fields = {}): void {
    this.#report('info', event, text, fields)
  }

  debug(event: string, text: string, fields: Fields = {}): void {
    this.#report('debug', event, text, fields)
  }

  #report(level: Level, event: string, text: string, fields: Fields): void {
    if (this.is(level)) this.#write({ level, event, text, fields })
  }
}

/** For whom nobody listens to. */
export function silentReporter(): Reporter {
  return new Reporter('error', () => undefined)
}
