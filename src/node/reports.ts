// What of a node is worth a report, and how it is said: each event once, whatever role it is of.
// Invariant: what comes per message is said at debug only, and made up only then.

import type { Entry } from '../protocol/entry.ts'
import type { Result } from '../protocol/result.ts'
import type { HbError } from '../std/errors.ts'
import { isHbError } from '../std/errors.ts'
import type { Reporter } from '../std/reporter.ts'
import type { Holding, Role } from './ownership.ts'

export class NodeReports {
  readonly #to: Reporter

  constructor(to: Reporter) {
    this.#to = to
  }

  /** A partition came to a role, is open, or goes. */
  moved(role: Role, partition: number, state: Holding): void {
    if (state !== 'opening' && state !== 'open' && state !== 'closing') return
    const text = `${role}, partition ${partition}: ${state}`
    this.#to.info(`partition-${state}`, text, { role, partition })
  }

  halted(role: Role, partition: number, error: unknown): void {
    const text = `halted: ${role}, partition ${partition}: ${String(error)}`
    this.#to.error('partition-halted', text, { role, partition, code: codeOf(error) })
  }

  standbyFailed(role: Role, partition: number, error: unknown): void {
    const text = `standby of ${role}, partition ${partition}: ${String(error)}`
    this.#to.warn('standby-failed', text, { role, partition, code: codeOf(error) })
  }

  schemaAwaited(partition: number, error: HbError): void {
    const text = `ingress of partition ${partition} waits: ${String(error)}`
    this.#to.warn('schema-awaited', text, { role: 'sequencer', partition, code: error.code })
  }

  appendFailed(role: string, topic: string, partition: number, error: unknown): void {
    const text = `append of ${role} to ${topic}, partition ${partition}: ${String(error)}`
    this.#to.warn('append-failed', text, { role, topic, partition, code: codeOf(error) })
  }

  pokeFailed(error: unknown): void {
    const text = `no alarm is fired, the clock cannot be poked: ${String(error)}`
    this.#to.warn('poke-failed', text, { code: codeOf(error) })
  }

  refused(role: string, error: HbError, message?: string): void {
    if (!this.#to.is('debug')) return
    this.#to.debug('message-refused', String(error), { role, message, code: error.code })
  }

  settled(partition: number, entries: readonly Entry[]): void {
    if (!this.#to.is('debug')) return
    for (const { height, message } of entries) {
      const { id, process } = message
      const text = `partition ${partition}, height ${height}: ${id}`
      const fields = { role: 'sequencer', partition, height, message: id, process }
      this.#to.debug('message-sequenced', text, fields)
    }
  }

  evaluated(partition: number, results: readonly Result[]): void {
    if (!this.#to.is('debug')) return
    for (const { height, slot, messageId, process, status, code, gas } of results) {
      const text = `partition ${partition}, height ${height}: ${status} ${code}`.trimEnd()
      const place = { role: 'dre', partition, height, slot, message: messageId, process }
      const failed = status === 'error' ? { code } : {}
      this.#to.debug('message-evaluated', text, { ...place, status, gas, ...failed })
    }
  }
}

function codeOf(error: unknown): string {
  return isHbError(error) ? error.code : 'internal-error'
}
