// Schemas: what a contract takes, as functions from an unknown value to the value that it wants.
// Any function (value, field) → T is one: `parsePrice` of a contract as well as those here.
//
// Invariants: V1 what a schema gives has its type, and what does not fit is refused by name, with
// what was wanted. V2 no schema reads what a value inherits.

import { parseAmount, parsePositive } from './amounts.ts'
import { parseAddress } from './balances.ts'
import { refuse } from './refusal.ts'
import type { Fields } from './types.ts'

/** `field` says where the value stood: `Quantity`, `input/orders/0`. */
export type Schema<T> = (value: unknown, field: string) => T
/** A schema for each field of T. */
export type Schemas<T> = { readonly [K in keyof T]: Schema<T[K]> }
/** What a record of schemas gives: `Parsed<typeof ORDER>`. */
export type Parsed<F> = { [K in keyof F]: F[K] extends Schema<infer T> ? T : never }

/** Entries of a list, and fields of a map, where a schema names no other bound. */
export const ENTRIES_MAX = 1_024
/** Characters of a text where a schema names no other bound. */
export const TEXT_LENGTH_MAX = 1_024

/** A wallet's address or a process's id; `address-malformed`. */
export const address: Schema<string> = parseAddress
/** A decimal text from 0 to 2^256 - 1; `amount-malformed`. */
export const amount: Schema<string> = parseAmount
/** As `amount`, and not 0. */
export const positive: Schema<string> = parsePositive

/** A text of `least` to `most` characters. */
export function text(most: number = TEXT_LENGTH_MAX, least = 0): Schema<string> {
  return (value, field) =>
    typeof value === 'string' && value.length >= least && value.length <= most
      ? value
      : wanted(field, value, `a text of ${least} to ${most} characters`)
}

/** A whole number; in a tag, its decimal text. */
export function integer(
  least: number = Number.MIN_SAFE_INTEGER,
  most: number = Number.MAX_SAFE_INTEGER,
): Schema<number> {
  return (value, field) => {
    const isText = typeof value === 'string' && /^(?:0|-?[1-9][0-9]{0,15})$/.test(value)
    const number = isText ? Number(value) : value
    return Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most
      ? (number as number)
      : wanted(field, value, `a whole number from ${least} to ${most}`)
  }
}

/** True or false; in a tag, as a text. */
export function boolean(value: unknown, field: string): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  return wanted(field, value, 'true or false')
}

/** One of a few words; a contract with a code of its own for them names it. */
export function oneOf<const T extends string>(
  words: readonly T[],
  code = 'input-malformed',
): Schema<T> {
  return (value, field) =>
    words.find((word) => word === value) ?? wanted(field, value, words.join(' or '), code)
}

/** Undefined where there is no value. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return (value, field) =>
    value === undefined || value === null ? undefined : schema(value, field)
}

/** `fallback()` where there is no value: a function, since each object must be a new one. */
export function withDefault<T>(schema: Schema<T>, fallback: () => T): Schema<T> {
  return (value, field) =>
    value === undefined || value === null ? fallback() : schema(value, field)
}

export function list<T>(schema: Schema<T>, most: number = ENTRIES_MAX): Schema<T[]> {
  return (value, field) =>
    Array.isArray(value) && value.length <= most
      ? value.map((entry, at) => schema(entry, `${field}/${at}`))
      : wanted(field, value, `a list of at most ${most}`)
}

/** An object with these fields and no other: a misspelt one would be missed in silence. */
export function object<T extends object>(fields: Schemas<T>): Schema<T> {
  return (value, field) => {
    const given = objectOf(value, field, 'an object')
    for (const name of Object.keys(given)) {
      if (Object.hasOwn(fields, name)) continue
      const known = Object.keys(fields).sort().join(', ')
      const shown = `${field}/${name.slice(0, 64)}`
      refuse('input-malformed', `${shown} is not known; known are ${known}`)
    }
    return parseFields(fields, (name) => ownOf(given, name), `${field}/`)
  }
}

/** An object from addresses to values: balances, allowances. */
export function byAddress<T>(schema: Schema<T>, most: number = ENTRIES_MAX): Schema<Fields<T>> {
  return (value, field) => {
    const given = objectOf(value, field, 'an object from addresses')
    const names = Object.keys(given)
    if (names.length > most) wanted(field, value, `an object of at most ${most} addresses`)
    const parsed: Fields<T> = {}
    for (const name of names) {
      parseAddress(name, `${field}/${name.slice(0, 64)}`)
      parsed[name] = schema(given[name], `${field}/${name}`)
    }
    return parsed
  }
}

/** Each field by its schema, from wherever `read` finds it. */
export function parseFields<T extends object>(
  fields: Schemas<T>,
  read: (name: string) => unknown,
  place = '',
): T {
  const parsed: Partial<T> = {}
  for (const name of Object.keys(fields) as (keyof T & string)[]) {
    parsed[name] = fields[name](read(name), place + name)
  }
  return parsed as T
}

/** For a spawn: checks the named fields of the state, and fills in those that have a fallback. */
export function completeState<S extends object>(
  state: S,
  fields: { readonly [K in keyof S]?: Schema<S[K]> },
): void {
  for (const name of Object.keys(fields) as (keyof S & string)[]) {
    const before = ownOf(state, name) as S[typeof name]
    const after = (fields[name] as Schema<S[typeof name]>)(before, `state/${name}`)
    if (after !== before && after !== undefined) state[name] = after
  }
}

function objectOf(value: unknown, field: string, what: string): Fields<unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields<unknown>)
    : wanted(field, value, what)
}

function ownOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Fields<unknown>)[name] : undefined
}

function wanted(field: string, value: unknown, what: string, code = 'input-malformed'): never {
  const missing = value === undefined ? ' is missing: it' : ''
  return refuse(code, `${field}${missing} must be ${what}`)
}
