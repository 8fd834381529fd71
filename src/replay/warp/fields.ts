// Reading the JSON files of a Warp contract: what stands where, and an error that names the place.
//
// Invariant: whatever a file holds, the answer is a value of the asked type, or
// `warp-file-malformed` with the file's part that is wrong.

import { HbError } from '../../std/errors.ts'
import { parseJson } from '../../std/json-text.ts'

export type Fields = Readonly<Record<string, unknown>>

/** `what` names the file in errors. */
export function parsedFile(text: string, what: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw malformed(what, `it is no JSON: ${(error as Error).message}`)
  }
}

export function malformed(where: string, why: string): HbError {
  return new HbError('warp-file-malformed', `${where}: ${why}`)
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fieldsOf(value: unknown, where: string): Fields {
  if (isFields(value)) return value
  throw malformed(where, value === undefined ? 'missing' : 'not an object')
}

export function textOf(fields: Fields, name: string, where: string): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '') return value
  throw malformed(`${where}.${name}`, value === undefined ? 'missing' : 'not a text')
}

/** Numbers come as texts from some gateways. */
export function wholeOf(fields: Fields, name: string, where: string): number {
  const value = fields[name]
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw malformed(`${where}.${name}`, value === undefined ? 'missing' : 'not a whole number')
}
