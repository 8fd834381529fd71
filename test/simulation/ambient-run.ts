// One seed, in an OS process of its own in which everything ambient is watched: prints, as JSON,
// who called what while the world ran, and the run's trace hash. ambient.test.ts starts it.

import { createRequire, syncBuiltinESMExports } from 'node:module'
import { simulate } from './run.ts'

const require = createRequire(import.meta.url)
const calls = new Set<string>()
let isRunning = false

type Functions = Record<string, unknown>

const crypto = require('node:crypto') as Functions
const fs = require('node:fs') as Functions
const WATCHED: readonly [string, Functions, readonly string[]][] = [
  ['Date', Date as unknown as Functions, ['now']],
  ['Math', Math as unknown as Functions, ['random']],
  ['performance', performance as unknown as Functions, ['now']],
  ['process', process as unknown as Functions, ['hrtime', 'uptime']],
  ['globalThis', globalThis as Functions, ['setTimeout', 'setInterval', 'fetch']],
  ['crypto', globalThis.crypto as unknown as Functions, ['getRandomValues', 'randomUUID']],
  ['node:crypto', crypto, ['randomBytes', 'randomFillSync', 'randomInt', 'randomUUID']],
  ['node:net', require('node:net') as Functions, ['connect', 'createConnection']],
  ['node:http', require('node:http') as Functions, ['request', 'get']],
  ['node:timers', require('node:timers') as Functions, ['setTimeout', 'setInterval']],
  ['node:fs', fs, ['readFileSync', 'writeFileSync', 'openSync', 'readFile', 'writeFile', 'open']],
  ['node:fs/promises', fs['promises'] as Functions, ['readFile', 'writeFile', 'open']],
]

for (const [owner, functions, names] of WATCHED) {
  for (const name of names) watch(owner, functions, name)
}
syncBuiltinESMExports()

/** `new Date()` asks the clock as well. */
class WatchedDate extends Date {
  constructor(...parts: []) {
    if (parts.length === 0) note('new Date')
    super(...parts)
  }
}
globalThis.Date = WatchedDate as DateConstructor

Error.stackTraceLimit = 50
const seed = Number(process.argv[2])
const { traceHash, violations } = await simulate(seed, {
  changes: JSON.parse(process.argv[3] ?? '{}'),
  // contracts are bundled before anything in the world begins
  onTrace: () => void (isRunning = true),
})
isRunning = false
process.stdout.write(JSON.stringify({ traceHash, violations, calls: [...calls].sort() }))

function watch(owner: string, functions: Functions, name: string): void {
  const real = functions[name]
  if (typeof real !== 'function') throw new Error(`${owner} has no ${name}`)
  functions[name] = function (this: unknown, ...given: unknown[]): unknown {
    note(`${owner}.${name}`)
    return Reflect.apply(real, this, given)
  }
}

/**
 * With the place it was called from: the first of the repository's own. The verdict's fresh
 * evaluation is no part of the world: it may have a log of its own.
 */
function note(what: string): void {
  if (!isRunning) return
  const frames = new Error().stack?.split('\n') ?? []
  if (frames.some((frame) => frame.includes('/test/chaos/evidence'))) return
  const place = frames.find((frame) => {
    return /\/(src|test|contracts)\//.test(frame) && !frame.includes('ambient-run')
  })
  calls.add(`${what} by ${/(src|test|contracts)\/[\w./-]+/.exec(place ?? '')?.[0] ?? 'others'}`)
}
