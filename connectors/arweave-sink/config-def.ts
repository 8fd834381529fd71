// What a connector may be configured with, as a table in the manner of Kafka's ConfigDef: keys with
// type, default and range, values checked by them, and both in the form of Connect's REST.
//
// Invariant: D1 a value that may be a secret (of a key that is not known, or that says so) is
// in no error and no answer.

export type ConfigType = 'STRING' | 'INT' | 'LONG' | 'BOOLEAN' | 'LIST'

export type ConfigKey = {
  readonly type: ConfigType
  /** undefined: required. null: there is none. */
  readonly default?: string | null
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW'
  readonly group: string
  readonly displayName: string
  /** What it is for: one paragraph. */
  readonly documentation: string
  /** Of numbers. */
  readonly min?: number
  readonly max?: number
  /** The values that there are. */
  readonly oneOf?: readonly string[]
  /** In words, where neither of them says it. */
  readonly range?: string
  /** What is wrong with a value; undefined: nothing. */
  readonly check?: (value: string) => string | undefined
  /** Somebody may have put in a secret: what is in a file for its path, a user for an address. */
  readonly mayHoldSecret?: true
}

export type ConfigTable = Readonly<Record<string, ConfigKey>>

/** Of one key: its value, the default where it was not given, and what is wrong with it. */
export type ConfigValue = {
  readonly name: string
  readonly value: string | null
  readonly errors: string[]
}

export type Config = Readonly<Record<string, string | null>>

const INT_MAX = 2 ** 31 - 1

/** One for each key of the table, and one for each that it lacks, behind them. */
export function validateAll(table: ConfigTable, config: Config): ConfigValue[] {
  const known = Object.entries(table).map(([name, key]) => {
    const given = Object.hasOwn(config, name) ? config[name] : undefined
    return valueOf(name, key, given)
  })
  const unknown = Object.keys(config).filter((name) => !Object.hasOwn(table, name))
  return [
    ...known,
    ...unknown.map((name) => {
      const error = `Unknown configuration '${name}'${nearest(table, name)}`
      return { name, value: null, errors: [error] }
    }),
  ]
}

function valueOf(name: string, key: ConfigKey, given: string | null | undefined): ConfigValue {
  if (given === null) {
    const error = 'Null value can not be supplied as the configuration value.'
    return { name, value: null, errors: [error] }
  }
  if (given === undefined) {
    if (key.default !== undefined) return { name, value: key.default, errors: [] }
    const error = `Missing required configuration "${name}" which has no default value.`
    return { name, value: null, errors: [error] }
  }
  const value = given.trim()
  const why = fault(key, value)
  if (why === undefined) return { name, value, errors: [] }
  const shown = key.mayHoldSecret === true ? '' : ` ${value}`
  const error = `Invalid value${shown} for configuration ${name}: ${why}`
  return { name, value: key.mayHoldSecret === true ? null : value, errors: [error] }
}

function fault(key: ConfigKey, value: string): string | undefined {
  const { type, oneOf, min = -Infinity, check } = key
  if (type === 'INT' || type === 'LONG') {
    const number = /^[+-]?\d{1,15}$/.test(value) ? Number(value) : NaN
    const most = key.max ?? (type === 'INT' ? INT_MAX : Number.MAX_SAFE_INTEGER)
    if (Number.isNaN(number)) return `Not a number of type ${type}`
    if (number < min) return `Value must be at least ${min}`
    if (number > most) return `Value must be no more than ${most}`
  }
  if (type === 'BOOLEAN' && !/^(true|false)$/i.test(value)) {
    return 'Expected value to be either true or false'
  }
  if (oneOf !== undefined && !oneOf.includes(value)) {
    return `String must be one of: ${oneOf.join(', ')}`
  }
  return check?.(value)
}

/** The key that was meant, where it differs in case or separators only. */
function nearest(table: ConfigTable, name: string): string {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '')
  const found = Object.keys(table).find((each) => plain(each) === plain(name))
  return found === undefined ? '' : `: it is written '${found}'`
}

/** As `GET /connector-plugins/{name}/config` shows a key. */
export function keyInfo(table: ConfigTable, name: string): object | null {
  const key = Object.hasOwn(table, name) ? (table[name] as ConfigKey) : undefined
  if (key === undefined) return null
  const inGroup = Object.keys(table).filter((each) => table[each]?.group === key.group)
  return {
    name,
    type: key.type,
    required: key.default === undefined,
    default_value: key.default ?? null,
    importance: key.importance,
    documentation: key.documentation,
    group: key.group,
    width: key.type === 'STRING' || key.type === 'LIST' ? 'LONG' : 'SHORT',
    display_name: key.displayName,
    dependents: [],
    order: inGroup.indexOf(name) + 1,
  }
}

/** The body of `PUT /connector-plugins/{name}/config/validate`. */
export function configInfos(table: ConfigTable, name: string, values: readonly ConfigValue[]) {
  const groups = [...new Set(Object.values(table).map(({ group }) => group))]
  const configs = values.map((each) => ({
    definition: keyInfo(table, each.name),
    value: {
      name: each.name,
      value: each.value,
      recommended_values: recommended(table[each.name]),
      errors: each.errors,
      visible: true,
    },
  }))
  return { name, error_count: errorsOf(values).length, groups, configs }
}

function recommended(key: ConfigKey | undefined): readonly string[] {
  if (key?.type === 'BOOLEAN') return ['true', 'false']
  return key?.oneOf ?? []
}

export function errorsOf(values: readonly ConfigValue[]): string[] {
  return values.flatMap(({ errors }) => errors)
}
