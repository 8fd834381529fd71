// What a genesis document must look like: it is a file from outside, and every field of it goes
// into the network id. Invariant: whatever JSON value comes in, it passes or throws
// `genesis-malformed`, never anything else.

import { isIdText } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { ENGINE_NAMES, isEngineName } from './engines.ts'
import { OPERATORS_MAX } from './features.ts'
import { LIMIT_TABLE } from './limits.ts'

export const PARTITIONS_MAX = 1024
/** Generations behind the first: each is a disaster. */
export const GENERATIONS_MAX = 1_000
const NAME = /^[a-z][a-z0-9-]{0,63}$/
const FIELDS = [
  ...['format', 'name', 'salt', 'generation', 'partitions', 'intervalLength'],
  ...['sandbox', 'limits', 'processes'],
]
const START_FIELDS = ['begun', 'heights', 'hashes']
const PROCESS_FIELDS = ['name', 'nonce', 'engine', 'source', 'state']

export function malformed(detail: string): never {
  throw new HbError('genesis-malformed', detail)
}

const FEATURES_FIELDS = ['level', 'operators', 'nonces']
const FEATURE_LEVEL_MAX = 1_000_000

/** Throws `genesis-malformed` with the field. That processes fit together `openNetwork` checks. */
export function checkGenesis(value: unknown): void {
  const has = (field: string): boolean => isObject(value) && value[field] !== undefined
  const hasFeatures = has('features')
  const optional = ['features', 'generations'].filter(has)
  const genesis = exactly(value, [...FIELDS, ...optional], 'genesis')
  if (genesis['format'] !== 1) malformed('format is not 1')
  text(genesis['name'], 'name')
  text(genesis['salt'], 'salt')
  wholeNumber(genesis['generation'], 0, 1e9, 'generation')
  wholeNumber(genesis['partitions'], 1, PARTITIONS_MAX, 'partitions')
  wholeNumber(genesis['intervalLength'], 1, 1e9, 'intervalLength')
  const sandbox = exactly(genesis['sandbox'], ['engine', 'version'], 'sandbox')
  text(sandbox['engine'], 'sandbox.engine')
  text(sandbox['version'], 'sandbox.version')
  const limits = exactly(genesis['limits'], Object.keys(LIMIT_TABLE), 'limits')
  for (const [name, row] of Object.entries(LIMIT_TABLE)) {
    wholeNumber(limits[name], row.least, Number.MAX_SAFE_INTEGER, `limits.${name}`)
  }
  if (hasFeatures) checkFeatures(genesis['features'])
  checkGenerations(genesis)
  const { processes } = genesis
  if (!Array.isArray(processes)) malformed('processes is not an array')
  processes.forEach((process, index) => checkProcess(process, `processes.${index}`))
}

function checkFeatures(value: unknown): void {
  const { level, operators, nonces } = exactly(value, FEATURES_FIELDS, 'features')
  wholeNumber(level, 1, FEATURE_LEVEL_MAX, 'features.level')
  if (!Array.isArray(operators) || operators.length === 0 || operators.length > OPERATORS_MAX) {
    malformed(`features.operators must be 1 to ${OPERATORS_MAX} addresses`)
  }
  operators.forEach((each, index) => {
    if (typeof each !== 'string' || !isIdText(each)) {
      malformed(`features.operators.${index} is not an address`)
    }
  })
  if (!Array.isArray(nonces)) malformed('features.nonces is not an array')
  nonces.forEach((each, index) => {
    wholeNumber(each, 0, Number.MAX_SAFE_INTEGER, `features.nonces.${index}`)
  })
}

function checkGenerations(genesis: Record<string, unknown>): void {
  const { generations, generation, partitions } = genesis
  if (generations === undefined) return
  const most = Math.min(GENERATIONS_MAX, generation as number)
  if (!Array.isArray(generations) || generations.length === 0 || generations.length > most) {
    malformed(`generations must be 1 to ${most} starts`)
  }
  generations.forEach((each, at) => {
    const { begun, heights, hashes } = exactly(each, START_FIELDS, `generations.${at}`)
    wholeNumber(begun, 0, Number.MAX_SAFE_INTEGER, `generations.${at}.begun`)
    for (const list of [heights, hashes]) {
      if (Array.isArray(list) && list.length === partitions) continue
      malformed(`generations.${at}: not one height and one hash per partition`)
    }
    for (const height of heights as unknown[]) {
      wholeNumber(height, -1, Number.MAX_SAFE_INTEGER, `generations.${at}.heights`)
    }
    const isHash = (hash: unknown): boolean => typeof hash === 'string' && isIdText(hash)
    if (!(hashes as unknown[]).every(isHash)) malformed(`generations.${at}.hashes: not a hash`)
  })
}

function checkProcess(value: unknown, at: string): void {
  const process = exactly(value, PROCESS_FIELDS, at)
  text(process['name'], `${at}.name`)
  if (!NAME.test(process['name'] as string)) malformed(`${at}.name: lower-case letters, digits, -`)
  wholeNumber(process['nonce'], 0, Number.MAX_SAFE_INTEGER, `${at}.nonce`)
  if (!isEngineName(process['engine'])) {
    malformed(`${at}.engine must be one of ${ENGINE_NAMES.join(', ')}`)
  }
  text(process['source'], `${at}.source`)
  if (!isObject(process['state'])) malformed(`${at}.state is not an object`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object with these fields and no others. */
function exactly(value: unknown, fields: readonly string[], at: string): Record<string, unknown> {
  if (!isObject(value)) malformed(`${at} is not an object`)
  for (const field of fields) {
    if (!Object.hasOwn(value, field)) malformed(`${at}.${field} is missing`)
  }
  for (const key of Object.keys(value)) {
    if (!fields.includes(key)) malformed(`${at}.${key} is not known`)
  }
  return value
}

function text(value: unknown, at: string): void {
  if (typeof value !== 'string' || !value.isWellFormed()) malformed(`${at} is not a text`)
}

function wholeNumber(value: unknown, least: number, most: number, at: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    malformed(`${at} must be a whole number from ${least} to ${most}`)
  }
}
