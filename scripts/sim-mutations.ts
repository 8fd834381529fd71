// npm run sim:mutations [-- --only NAME,NAME] [--seeds N] [--jobs N] [--plan JSON]
// [--trust-clean]: does the simulation catch each mutation of the product? Each is applied to a
// copy of the sources, where the seeds 1, 2, 3, … run until one shows a violation; `--plan` changes
// every seed's plan (by default runs are half as long as usual). Last line: one JSON object. The
// exit code is 1 if one was not caught.
//
// Invariants: the seeds are the same for all mutations, and the sources as they are show no
// violation on them (run first, unless `--trust-clean` says that this was just done).

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MUTATIONS } from '../test/simulation/mutations/list.ts'
import type { Mutation, SeedLine } from '../test/simulation/mutations/mutation.ts'
import { mutated } from '../test/simulation/mutations/mutation.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const COPIED = ['src', 'test', 'contracts', 'connectors', 'bench', 'schemas', 'scripts']
const FILES = ['package.json', 'tsconfig.json']
/** Real time: a run that takes longer will not end. */
const SEED_MS_MAX = 300_000

type Runs = { readonly seeds: number; readonly plan: string }

type Outcome = {
  readonly seeds: number
  /** Of the seed that caught it; undefined: none did. */
  readonly invariants: readonly string[] | undefined
  readonly text: string
}

/** Runs the seeds 1 to `seeds` in a folder until one shows a violation. */
async function runSeeds(folder: string, { seeds, plan }: Runs): Promise<Outcome> {
  const script = join(folder, 'test/simulation/mutations/seeds.ts')
  const args = [script, '1', String(seeds), plan]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let [last, ended]: [SeedLine | undefined, string] = [undefined, '']
  let complaint = ''
  child.stderr.on('data', (data: Buffer) => (complaint = `${complaint}${String(data)}`.slice(-400)))
  const kill = (): void => {
    ended = `no end within ${SEED_MS_MAX / 1_000} s`
    child.kill('SIGKILL')
  }
  let timer = setTimeout(kill, SEED_MS_MAX)
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer)
    timer = setTimeout(kill, SEED_MS_MAX)
    last = JSON.parse(line) as SeedLine
  }
  const code = await closed
  clearTimeout(timer)
  const { seed = 0, violation, invariants = [] } = last ?? {}
  if (violation !== undefined) return { seeds: seed, invariants, text: violation.text }
  if (code === 0 && seed === seeds) return { seeds, invariants: undefined, text: '' }
  return { seeds: seed + 1, invariants: ['run-ends'], text: ended || complaint.trim() }
}

async function judge(mutation: Mutation | undefined, runs: Runs): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'hb-mutation-'))
  try {
    for (const name of [...COPIED, ...FILES]) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    if (mutation !== undefined) writeFileSync(join(folder, mutation.file), mutated(mutation, ROOT))
    return await runSeeds(folder, runs)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '200' },
    jobs: { type: 'string', default: '1' },
    plan: { type: 'string', default: '{"seconds":20}' },
    'trust-clean': { type: 'boolean', default: false },
  },
})
const seeds = Number(values.seeds)
const runs: Runs = { seeds, plan: values.plan }
const names = values.only?.split(',')
const chosen = MUTATIONS.filter(({ name }) => names?.includes(name) ?? true)
if (chosen.length === 0 || (names !== undefined && chosen.length !== names.length)) {
  process.stderr.write(`there are: ${MUTATIONS.map(({ name }) => name).join(', ')}\n`)
  throw new Error(`no such mutation: ${values.only}`)
}
// all must apply before the first runs
for (const mutation of chosen) mutated(mutation, ROOT)

if (!values['trust-clean']) {
  const { invariants, seeds: seed, text } = await judge(undefined, runs)
  if (invariants !== undefined) {
    throw new Error(`seed ${seed} is not clean without a mutation: ${invariants.join()}: ${text}`)
  }
  process.stdout.write(`clean without a mutation: seeds 1 to ${seeds}\n`)
}

let [caught, seedsMax] = [0, 0]
const missed: string[] = []
const left = [...chosen]
const work = async (): Promise<void> => {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const { seeds: count, invariants, text } = await judge(next, runs)
    if (invariants === undefined) missed.push(next.name)
    else {
      caught += 1
      seedsMax = Math.max(seedsMax, count)
    }
    const verdict = invariants === undefined ? 'NOT caught' : 'caught    '
    const by = `${invariants?.join(' ') ?? '-'}: ${text.replaceAll('\n', ' ').slice(0, 160)}`
    process.stdout.write(`${next.name.padEnd(32)} ${verdict} seed ${count}  ${by}\n`)
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, work))
if (missed.length > 0) process.stdout.write(`not caught: ${missed.join(', ')}\n`)
process.stdout.write(`${JSON.stringify({ mutations: chosen.length, caught, seedsMax })}\n`)
process.exitCode = missed.length > 0 ? 1 : 0
