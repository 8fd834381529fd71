// The simulation (issue 5; docs/internals/simulation.md): whole networks in virtual time, each the
// function of a seed.
//
//   npm run sim                                 fresh seeds for five minutes, on all cores
//   npm run sim -- --minutes 60 --jobs 2        …for as long, in as many OS processes
//   npm run sim -- --from 1 --count 200         these seeds
//   npm run sim -- --seed 7 [--trace]           one seed, and each step of it
//   npm run sim -- --seed 7 --plan '{"seconds":10}'    …with parts of its plan changed
//   npm run sim -- --seed 7 --shrink            the smallest plan that still fails as the seed does
//   npm run sim -- --crash-everywhere [--every 10]     a crash at each call of a small run
//   npm run sim -- --measure                    how fast it is
//
// Invariants: the first line on stdout names the seed, the last one is one JSON object; the exit
// code is 0 only where nothing was violated.

import { availableParallelism } from 'node:os'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runCampaign } from '../test/simulation/campaign/campaign.ts'
import { crashEverywhere } from '../test/simulation/campaign/crash-everywhere.ts'
import { measure } from '../test/simulation/campaign/measure.ts'
import { Progress } from '../test/simulation/campaign/progress.ts'
import { shrink } from '../test/simulation/campaign/shrink.ts'
import type { PlanChanges } from '../test/simulation/plan.ts'
import { simulate } from '../test/simulation/run.ts'
import type { SimReport } from '../test/simulation/run.ts'

const SEEDS = 2 ** 32
const LINE_MS = 10_000
const LIVE_LINE_MS = 500

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
    minutes: { type: 'string' },
    jobs: { type: 'string' },
    every: { type: 'string' },
    plan: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    measure: { type: 'boolean', default: false },
    'crash-everywhere': { type: 'boolean', default: false },
  },
})

const changes = (values.plan === undefined ? {} : JSON.parse(values.plan)) as PlanChanges
if (values.measure) await measureSpeed()
else if (values['crash-everywhere']) await crash()
else if (values.shrink) await shrinkSeed(seedGiven())
else if (values.seed !== undefined) await runOne(seedGiven())
else await runMany()

function wholeNumber(name: 'seed' | 'from' | 'count' | 'jobs' | 'every', otherwise?: number) {
  const text = values[name] ?? otherwise?.toString() ?? ''
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} ${text}: a whole number`)
  return Number(text)
}

function seedGiven(): number {
  return wholeNumber('seed')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function end<T extends { readonly violations: readonly unknown[] }>(report: T): void {
  say(JSON.stringify(report))
  process.exitCode = report.violations.length === 0 ? 0 : 1
}

async function runOne(seed: number): Promise<void> {
  say(`seed ${seed}`)
  const began = performance.now()
  const report = await simulate(seed, { changes, ...(values.trace && { onTrace: say }) })
  const realSeconds = (performance.now() - began) / 1_000
  say(`${report.seconds.toFixed(1)} virtual s in ${realSeconds.toFixed(1)} s`)
  const { states: _states, ...told } = report
  end(told)
}

async function runMany(): Promise<void> {
  const isFixed = values.from !== undefined
  const from = isFixed ? wholeNumber('from') : randomInt(SEEDS)
  const count = isFixed || values.count !== undefined ? wholeNumber('count', 1) : Infinity
  const minutes = Number(values.minutes ?? (count < Infinity ? Infinity : 5))
  if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes}: a number above 0`)
  say(`base seed ${from}`)
  const began = performance.now()
  const realSeconds = (): number => (performance.now() - began) / 1_000
  const progress = new Progress()
  const { isTTY } = process.stdout
  const tell = (): void => {
    const line = progress.line(realSeconds())
    if (isTTY) process.stdout.write(`\r\u001b[K${line}`)
    else say(line)
  }
  const timer = setInterval(tell, isTTY ? LIVE_LINE_MS : LINE_MS)
  let begun = 0
  const nextSeed = (): number | undefined => {
    if (begun >= count || realSeconds() >= minutes * 60) return undefined
    return (from + begun++) % SEEDS
  }
  await runCampaign({
    jobs: wholeNumber('jobs', availableParallelism()),
    changes,
    nextSeed,
    onOutcome: (outcome) => {
      progress.add(outcome)
      for (const { invariant, text } of outcome.violations) {
        say(`${isTTY ? '\r\u001b[K' : ''}seed ${outcome.seed} violates ${invariant}: ${text}`)
      }
    },
  })
  clearInterval(timer)
  tell()
  if (isTTY) say('')
  say(`never seen: ${progress.neverSeen().join(', ') || 'nothing'}`)
  end(progress.report(realSeconds()))
}

async function shrinkSeed(seed: number): Promise<void> {
  say(`seed ${seed}`)
  const { plan, violations } = await simulate(seed, { changes })
  const [first] = violations
  if (first === undefined) return end({ seed, shrunk: false, violations })
  say(`violates ${first.invariant}: ${first.text}`)
  const tryPlan = async (less: PlanChanges): Promise<ReadonlySet<string>> => {
    const tried = await simulate(seed, { changes: { ...changes, ...less } })
    return new Set(tried.violations.map(({ invariant }) => invariant))
  }
  const less = await shrink({ plan, invariant: first.invariant, tryPlan, say })
  const smallest = { ...changes, ...less }
  say(`npm run sim -- --seed ${seed} --plan '${JSON.stringify(smallest)}'`)
  const { violations: left }: SimReport = await simulate(seed, { changes: smallest })
  end({ seed, shrunk: true, plan: smallest, violations: left })
}

async function crash(): Promise<void> {
  const seed = wholeNumber('seed', 1)
  say(`seed ${seed}`)
  end(await crashEverywhere({ seed, every: wholeNumber('every', 1), say }))
}

async function measureSpeed(): Promise<void> {
  const seed = wholeNumber('seed', 1)
  say(`seed ${seed}`)
  const { minutes } = values
  const measured = await measure(seed, minutes === undefined ? undefined : Number(minutes))
  const { virtualPerReal, goal, messages, entries, realSeconds } = measured
  say(`${virtualPerReal.toFixed(1)} virtual s a second (goal ${goal})`)
  const each = (realSeconds / entries) * 1e6
  say(`${messages} messages became ${entries} entries: ${each.toFixed(0)} µs of real time each`)
  end(measured)
}
