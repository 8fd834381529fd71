// Dead letters: a refused record as it was, with the header names of Kafka Connect's dead letter
// queue.

import type { HbError } from '../std/errors.ts'

export type DeadLetter = {
  readonly key: string | null
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

const PREFIX = '__connect.errors.'

/** The record that goes to `deadletters`. */
export function deadLetterOf(
  topic: string,
  partition: number,
  record: {
    readonly key: string | null
    readonly value: Uint8Array | null
    readonly offset: number
    readonly headers?: Readonly<Record<string, string>>
  },
  error: HbError,
): DeadLetter {
  return {
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      [`${PREFIX}topic`]: topic,
      [`${PREFIX}partition`]: String(partition),
      [`${PREFIX}offset`]: String(record.offset),
      [`${PREFIX}stage`]: 'CONSUME',
      [`${PREFIX}exception.class.name`]: error.code,
      [`${PREFIX}exception.message`]: error.message,
    },
  }
}

/** The offset of the record that a dead letter is of, where it is one of that partition. */
export function refusedOffset(
  topic: string,
  partition: number,
  headers: Readonly<Record<string, string>> | undefined,
): number | undefined {
  if (headers?.[`${PREFIX}topic`] !== topic) return undefined
  if (headers[`${PREFIX}partition`] !== String(partition)) return undefined
  return Number(headers[`${PREFIX}offset`])
}
