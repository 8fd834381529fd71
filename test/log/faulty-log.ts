// A log whose appends fail as a script says: what the sequencer's rule R2 must survive. Everything
// else passes through.
// Invariant: faults are used in the order given, one per append to a topic that `only` lets
// through.

import { HbError } from '../../src/std/errors.ts'
import type { Log, LogRecord } from '../../src/log/port.ts'

export type AppendFault =
  /** Nothing is written; `log-append-refused`. */
  | { readonly kind: 'refused' }
  /** Written or not, and `log-append-unclear` either way. */
  | { readonly kind: 'unclear'; readonly written: boolean }
  /**
   * The batch is in the log twice (a retried produce); answered with the place of one of the two.
   */
  | { readonly kind: 'twice'; readonly answer: 'first' | 'second' }
  /** Written, and answered without a place: the base offset is −1. */
  | { readonly kind: 'no-offset' }
  /**
   * Written, `log-append-unclear` at once, but in the log only when `release` resolves (a late
   * write).
   */
  | { readonly kind: 'late'; readonly release: Promise<void> }
  /** Another writer's batch gets in just before; ours is written and answered as it is. */
  | { readonly kind: 'other-before'; readonly records: readonly LogRecord[] }
  /** No fault: passes this append through. */
  | { readonly kind: 'none' }

export type FaultyLog = Log & {
  /** Adds faults for the next appends. */
  script(...faults: readonly AppendFault[]): void
  /** Faults not used yet. */
  readonly pending: number
}

export type FaultyLogOptions = { readonly only?: (topic: string, partition: number) => boolean }

export function faultyLog(log: Log, options: FaultyLogOptions = {}): FaultyLog {
  const faults: AppendFault[] = []
  return {
    ...passThrough(log),
    script: (...more) => void faults.push(...more),
    get pending() {
      return faults.length
    },
    async append(topic, partition, records) {
      const isTarget = options.only?.(topic, partition) ?? true
      const fault = isTarget ? faults.shift() : undefined
      return appendWith(log, fault ?? { kind: 'none' }, topic, partition, records)
    },
  }
}

async function appendWith(
  log: Log,
  fault: AppendFault,
  topic: string,
  partition: number,
  records: readonly LogRecord[],
): Promise<number> {
  const write = (batch = records): Promise<number> => log.append(topic, partition, batch)
  switch (fault.kind) {
    case 'none':
      return write()
    case 'refused':
      throw new HbError('log-append-refused', 'scripted')
    case 'unclear':
      if (fault.written) await write()
      throw new HbError('log-append-unclear', 'scripted')
    case 'twice': {
      const first = await write()
      const second = await write()
      return fault.answer === 'first' ? first : second
    }
    case 'no-offset':
      await write()
      return -1
    case 'late': {
      const kept = records.map((record) => ({ ...record }))
      void fault.release.then(() => write(kept))
      throw new HbError('log-append-unclear', 'scripted: written later')
    }
    case 'other-before': {
      // Both are handed over in one turn, so nobody else gets between them.
      const [, base] = await Promise.all([write(fault.records), write()])
      return base
    }
  }
}

function passThrough(log: Log): Omit<Log, 'append'> {
  return {
    provision: (topics, options) => log.provision(topics, options),
    read: (topic, partition, from, options) => log.read(topic, partition, from, options),
    ends: (topic) => log.ends(topic),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    join: (options) => log.join(options),
    committed: (group, topic) => log.committed(group, topic),
    members: (group) => log.members(group),
    describe: () => `${log.describe()} with scripted faults`,
    close: () => log.close(),
  }
}
